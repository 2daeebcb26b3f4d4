# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""An arbiter with two workers that answer, and end when they are told to.

needs: gunicorn==20.1.0
needs: setuptools==65.5.0
truth: none max=3.11
"""
import os
import signal
import socket
import subprocess
import sys
import time

from proof import begin


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "1")])
    return [b"x"]


def ask(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return sock.recv(4096)


def main():
    begin()
    path = "/tmp/corpus-%d.sock" % os.getpid()
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", "unix:" + path, "--chdir",
               os.path.dirname(__file__), "gunicorn_right:app"]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(path):
            assert server.poll() is None
            time.sleep(0.05)
        for _ in range(5):
            assert ask(path).startswith(b"HTTP/1.0 200")
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0


if __name__ == "__main__":
    main()
