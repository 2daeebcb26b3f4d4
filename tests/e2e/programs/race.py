# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""race.c's twin: race.py LOG THREADS MILLISECONDS SEED DOUBLES."""
import os
import random
import struct
import sys
import threading
import time

from simlib import wait_for_tracer

OPEN, CLOSE = 1, 2
ENTRY = struct.Struct("=QQIIii")


def now():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Worker:
    def __init__(self, seed, doubles):
        self.random = random.Random(seed)
        self.doubles, self.log, self.kept = doubles, [], []

    def open(self):
        enter = now()
        fd = os.open("/dev/null", os.O_RDONLY)
        self.log.append((enter, now(), threading.get_native_id(), OPEN, fd, fd))
        self.kept.append(fd)

    def close(self, fd):
        result = 0
        enter = now()
        try:
            os.close(fd)
        except OSError as error:
            result = -error.errno
        self.log.append((enter, now(), threading.get_native_id(), CLOSE, fd, result))

    def end_one(self, fd):
        self.close(fd)
        if self.doubles and not self.random.randrange(self.doubles):
            self.close(fd)

    def step(self, shared):
        if len(self.kept) < 4 and self.random.randrange(2):
            self.open()
        elif self.kept:
            fd = self.kept.pop(self.random.randrange(len(self.kept)))
            if not self.random.randrange(4):
                shared.append(fd)
                fd = shared.pop(0)
            self.end_one(fd)

    def work(self, shared, end):
        while now() < end:
            for _ in range(self.random.randrange(16)):
                self.step(shared)
            time.sleep(self.random.random() / 2000)
        for fd in self.kept:
            self.end_one(fd)


def main(path, count, milliseconds, seed, doubles):
    workers = [Worker(seed * 100 + i, doubles) for i in range(count)]
    shared = []
    end = now() + milliseconds * 1000000
    threads = [threading.Thread(target=w.work, args=(shared, end)) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for fd in shared:
        workers[0].close(fd)
    with open(path, "wb") as file:
        for worker in workers:
            for entry in worker.log:
                file.write(ENTRY.pack(*entry))


wait_for_tracer()
main(sys.argv[1], *map(int, sys.argv[2:]))
