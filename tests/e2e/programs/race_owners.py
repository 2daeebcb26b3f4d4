# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""race_owners.py LOG THREADS MILLISECONDS SEED THEFTS: threads race for recycled numbers that objects of
all kinds own. Of THEFTS (0: none) a worker takes one: it closes an object's number behind its back, in
thief(), and writes into LOG when, which number, by which thread. The object is kept until the program
is gone, so that it never closes what is another's by then: nothing else here is wrong."""
import io
import os
import random
import select
import socket
import struct
import sys
import tempfile
import threading
import time

from simlib import wait_for_tracer

THEFT = struct.Struct("=QQIi")


CLOCK_BOOTTIME = 7  # which 3.6 has no name for


def now():
    return int(time.clock_gettime(CLOCK_BOOTTIME) * 1e9)


def thief(number):
    os.close(number)


def pair():
    left, right = socket.socketpair()
    right.close()
    return left


def copied():
    with socket.socket() as original:
        return original.dup()


def handed_over():
    with socket.socket() as original:
        return socket.socket(fileno=original.detach())


class Connection(socket.socket):
    pass


MAKERS = [
    lambda: io.FileIO("/dev/null"),
    lambda: open("/dev/null"),
    lambda: open("/dev/null", "wb"),
    lambda: open("/dev/null", "rb", buffering=0),
    lambda: open("/dev/null", opener=os.open),
    lambda: os.fdopen(os.open("/dev/null", os.O_RDONLY)),
    socket.socket,
    Connection,
    pair,
    copied,
    handed_over,
    select.epoll,
    tempfile.TemporaryFile,
]


def bare():
    os.close(os.dup(1))
    reader, writer = os.pipe()
    os.close(writer)
    os.close(reader)


def borrowed(owner):
    with open(os.dup(owner.fileno()), "rb", buffering=0):
        pass
    if not hasattr(owner, "poll"):  # not an epoll object's
        open(owner.fileno(), "rb", buffering=0, closefd=False).close()


class Worker:
    def __init__(self, seed, thefts):
        self.random, self.thefts = random.Random(seed), thefts
        self.log, self.kept, self.stale = [], [], []

    def steal(self, owner):
        number = owner.fileno()
        self.stale.append(owner)
        enter = now()
        thief(number)
        self.log.append((enter, now(), threading.get_native_id(), number))

    def end(self, owner):
        if self.thefts and not self.random.randrange(self.thefts):
            self.steal(owner)
        elif self.random.randrange(3):
            owner.close()

    def step(self):
        what = self.random.randrange(8)
        if what == 0:
            bare()
        elif what == 1 and self.kept:
            borrowed(self.random.choice(self.kept))
        elif len(self.kept) < 4 and what % 2:
            self.kept.append(self.random.choice(MAKERS)())
        elif self.kept:
            self.end(self.kept.pop(self.random.randrange(len(self.kept))))

    def work(self, end):
        while now() < end:
            for _ in range(self.random.randrange(16)):
                self.step()
            time.sleep(self.random.random() / 2000)
        self.kept.clear()


def main(path, count, milliseconds, seed, thefts):
    workers = [Worker(seed * 100 + i, thefts) for i in range(count)]
    end = now() + milliseconds * 1000000
    threads = [threading.Thread(target=w.work, args=(end,)) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open(path, "wb") as file:
        for worker in workers:
            for entry in worker.log:
                file.write(THEFT.pack(*entry))
    print("ran to its end", flush=True)
    os._exit(0)  # the stale objects close nothing any more


wait_for_tracer()
main(sys.argv[1], *map(int, sys.argv[2:]))
