# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: an HTTP round trip, log files that rotate, a database, maps, temporary files.
import http.server
import logging.handlers
import mmap
import os
import sqlite3
import tempfile
import threading
import urllib.request

from simlib import wait_for_tracer


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x")

    def log_message(self, *_):
        pass


def web():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(10):
            with opener.open("http://127.0.0.1:%d/" % server.server_port) as answer:
                assert answer.read() == b"x"
        server.shutdown()
        thread.join()


def logs(folder):
    handler = logging.handlers.RotatingFileHandler(os.path.join(folder, "log"), maxBytes=200,
                                                   backupCount=2)
    logger = logging.getLogger("sim")
    logger.addHandler(handler)
    for i in range(50):
        logger.error("line %d", i)
    handler.close()


def files(folder):
    base = sqlite3.connect(os.path.join(folder, "base"))
    base.execute("create table t (x)")
    base.commit()
    base.close()
    with tempfile.TemporaryFile() as file, tempfile.SpooledTemporaryFile(10) as spooled:
        file.write(b"x" * 5000)
        file.flush()
        with mmap.mmap(file.fileno(), 5000) as view:
            assert view[0] == ord("x")
        spooled.write(b"x" * 100)
    for entry in os.scandir(folder):
        entry.stat()


wait_for_tracer()
web()
with tempfile.TemporaryDirectory() as place:
    logs(place)
    files(place)
