# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""gevent as people use it: everything patched, servers, clients. (No subprocess: the child that its
subprocess forks closes the number with which it lists /proc/self/fd a second time.)"""
from gevent import monkey

monkey.patch_all()

import socket  # noqa: E402
import urllib.request  # noqa: E402

import gevent  # noqa: E402
from gevent.pywsgi import WSGIServer  # noqa: E402
from gevent.server import StreamServer  # noqa: E402


def page(environ, start):
    with open("/etc/passwd") as file:
        file.read()
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"page"]


def echo(connection, address):
    connection.sendall(connection.recv(100))
    connection.close()


def client(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"hello")
        assert connection.recv(10) == b"hello"


server = StreamServer(("127.0.0.1", 0), echo)
server.start()
gevent.joinall([gevent.spawn(client, server.server_port) for _ in range(20)], raise_error=True)
web = WSGIServer(("127.0.0.1", 0), page, log=None)
web.start()
for _ in range(5):
    with urllib.request.urlopen(f"http://127.0.0.1:{web.server_port}/") as answer:
        assert answer.read() == b"page"
web.stop()
server.stop()
