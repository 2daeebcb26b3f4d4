# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""gunicorn as people use it: a master, two workers that it forks, requests, an end by SIGTERM."""
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request


def app(environ, start):
    with open("/etc/passwd") as file:
        file.read()
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"page"]


def main():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}"]
    where = os.path.dirname(os.path.abspath(__file__))
    with subprocess.Popen([*command, "gunicorn_app:app"], cwd=where) as server:
        got = 0
        while got < 20 and server.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                    got += answer.read() == b"page"
            except OSError:
                time.sleep(0.1)
        server.send_signal(signal.SIGTERM)
    sys.exit(got < 20)


if __name__ == "__main__":
    main()
