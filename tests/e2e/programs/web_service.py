# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A web service as people write it: flask, a pool of connections to redis, an upload that is kept in
a file, a log. WEB_SERVICE_BUG: `again`, the upload is released twice; `steal`, a handler closes the
socket of a connection of the pool. WEB_SERVICE_REDIS: the socket of redis; WEB_SERVICE_FOLDER: for
files."""
import os
import tempfile

import flask
import redis

BUG = os.environ["WEB_SERVICE_BUG"]
FOLDER = os.environ["WEB_SERVICE_FOLDER"]
POOL = redis.ConnectionPool(connection_class=redis.UnixDomainSocketConnection,
                            path=os.environ["WEB_SERVICE_REDIS"], socket_timeout=1)
app = flask.Flask(__name__)


class Upload:
    def __init__(self):
        self.fd, self.path = tempfile.mkstemp(dir=FOLDER)
        os.unlink(self.path)

    def release(self):
        try:
            os.close(self.fd)
        except OSError:
            pass


def count(name):
    try:
        return redis.Redis(connection_pool=POOL).incr(name)
    except (redis.RedisError, OSError, ValueError):
        return 0


def log(text):
    try:
        with open(os.path.join(FOLDER, "log"), "a") as file:
            file.write(text)
    except OSError:
        pass


@app.route("/upload", methods=["POST"])
def upload():
    kept = Upload()
    try:
        os.write(kept.fd, flask.request.get_data())
    except OSError:
        pass
    kept.release()
    number = count("uploads")
    log(f"upload {number}\n")
    if BUG == "again":
        kept.release()
    return f"{number}"


@app.route("/health")
def health():
    if BUG == "steal" and count("health") % 10 == 0:
        steal()
    return "well"


def steal():
    connection = POOL.get_connection("PING")
    if connection._sock:
        os.close(connection._sock.fileno())
    POOL.release(connection)
