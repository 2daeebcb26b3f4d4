# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""gunicorn: a master with workers of each kind that needs nothing else, a reload, an orderly end."""
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


def app(environ, start):
    with open("/etc/passwd") as file:
        file.read()
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"page"]


def ask(port, wanted, server):
    got, deadline = 0, time.monotonic() + 120
    while got < wanted:
        assert server.poll() is None and time.monotonic() < deadline, got
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/" % port, timeout=10) as answer:
                got += answer.read() == b"page"
        except OSError:
            time.sleep(0.1)


def serve(*options):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-b", "127.0.0.1:%d" % port, *options]
    with subprocess.Popen([*command, "gunicorn_job:app"], cwd=HERE) as server:
        ask(port, 10, server)
        server.send_signal(signal.SIGHUP)
        time.sleep(1)
        ask(port, 10, server)
        server.send_signal(signal.SIGTERM)
    assert not server.returncode, server.returncode


if __name__ == "__main__":
    serve("-w", "2")
    serve("-w", "2", "-k", "gthread", "--threads", "2")
