# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""service.py REDIS FOLDER: a web service with a pool of connections to Redis (at that socket) and a SQLite
database. When it has been traced for a while two of its handlers close what is not theirs: a connection
of the pool, and SQLite's file, whose number /proc/self/fd tells. They say which numbers that were."""
import http.client
import http.server
import os
import sqlite3
import sys
import threading

import redis

from simlib import say, wait_for_tracer

store = redis.Redis(unix_socket_path=sys.argv[1])
base = sqlite3.connect(os.path.join(sys.argv[2], "base"), check_same_thread=False)


def work():
    store.incr("visits")
    base.execute("insert into visits values (1)")
    base.commit()


def steal_pool():
    connection = store.connection_pool.get_connection()
    store.connection_pool.release(connection)
    number = connection._sock.fileno()
    say(pool=number)
    os.close(number)


def steal_database():
    names = ((int(n), os.path.join("/proc/self/fd", n)) for n in os.listdir("/proc/self/fd"))
    number = next(n for n, name in names if os.path.exists(name)
                  and os.readlink(name).endswith("/base"))
    say(database=number)
    os.close(number)


def after(steal):
    """The innocent, whose calls fail."""
    steal()
    for use in (store.ping, lambda: base.execute("select * from visits").fetchall()):
        try:
            use()
        except (sqlite3.Error, redis.RedisError, OSError):
            pass


PAGES = {
    "/": work,
    "/steal-pool": lambda: after(steal_pool),
    "/steal-database": lambda: after(steal_database),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        PAGES[self.path]()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, *_):
        pass


def get(port, page):
    client = http.client.HTTPConnection("127.0.0.1", port)
    client.request("GET", page)
    assert client.getresponse().read() == b"done"
    client.close()


base.execute("create table visits (x)")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
get(server.server_port, "/")
wait_for_tracer()
for wanted in ("/", "/", "/steal-pool", "/", "/steal-database"):
    get(server.server_port, wanted)
os._exit(0)
