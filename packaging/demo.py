#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A small service with a bug: two workers that look after jobs, one file each.

banner() is the example of a bad file descriptor in Python's own documentation
(https://docs.python.org/3/library/devmode.html). It closes the file's descriptor behind the
file object's back; when the object goes away, it closes that number a second time. Python up to
3.12 says nothing about it. If another thread has opened a file in between, that one is closed.
"""

import os
import queue
import threading
import time

JOBS = ["/etc/hostname", "/etc/os-release", "/etc/passwd"]


def banner(path):
    fp = open(path)
    firstline = fp.readline()
    os.close(fp.fileno())
    return firstline.rstrip()
    # The file is closed implicitly


class Worker(threading.Thread):
    """Takes paths from a queue until it gets None."""

    def __init__(self, jobs):
        super().__init__(daemon=True)
        self.jobs = jobs

    def run(self):
        while (path := self.jobs.get()) is not None:
            self.handle(path)

    def handle(self, path):
        with open(os.devnull, "w") as log:
            log.write(f"{path}: {banner(path)}\n")


def main():
    jobs = queue.Queue()
    for _ in range(2):
        Worker(jobs).start()
    while True:
        for path in JOBS:
            jobs.put(path)
            time.sleep(0.4)


if __name__ == "__main__":
    main()
