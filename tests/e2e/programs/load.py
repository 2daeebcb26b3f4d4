# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A server under load: threads that lease a descriptor, call a backend and write a log, for some
seconds. load.py SECONDS BUG…: `again` releases its lease twice; `twice`, another class in another
handler, does the same; `none` does neither."""
import os
import socket
import sys
import tempfile
import threading
import time

import simlib


class Lease:
    def __init__(self):
        self.fd = os.open("/etc/hostname", os.O_RDONLY)

    def release(self):
        try:
            os.close(self.fd)
        except OSError:
            pass


class Ticket:
    def __init__(self):
        self.number = os.open(os.devnull, os.O_RDWR)

    def give_back(self):
        try:
            os.close(self.number)
        except OSError:
            pass


class Server:
    def __init__(self, seconds, bugs):
        self.end = time.monotonic() + seconds
        self.bugs = bugs
        self.folder = tempfile.TemporaryDirectory()
        self.backend = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.requests = 0

    def serve(self):
        while True:
            try:
                peer, _ = self.backend.accept()
                data = peer.recv(10)
                peer.sendall(data)
                peer.close()
            except OSError:
                pass

    def call(self):
        try:
            peer = socket.create_connection(self.backend.getsockname(), timeout=2)
            peer.sendall(b"x")
            peer.recv(1)
            peer.close()
        except OSError:
            pass

    def log(self, i):
        try:
            with open(os.path.join(self.folder.name, str(i)), "a") as file:
                file.write("request\n")
        except OSError:
            pass

    def lease(self, i):
        lease = Lease()
        os.read(lease.fd, 4)
        lease.release()
        self.call()
        self.log(i)
        if "again" in self.bugs:
            lease.release()

    def ticket(self, i):
        ticket = Ticket()
        os.write(ticket.number, b"x")
        self.log(i)
        ticket.give_back()
        self.call()
        if "twice" in self.bugs:
            ticket.give_back()

    def work(self, i, handler):
        while time.monotonic() < self.end:
            try:
                handler(i)
            except OSError:
                pass
            self.requests += 1
            time.sleep(0.002)


def main():
    server = Server(float(sys.argv[1]), sys.argv[2:])
    simlib.wait_for_tracer()
    threading.Thread(target=server.serve, daemon=True).start()
    handlers = [server.lease, server.ticket if "twice" in server.bugs else server.lease] * 4
    threads = [threading.Thread(target=server.work, args=job) for job in enumerate(handlers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    print(f"requests={server.requests}", flush=True)
    os._exit(0)


main()
