# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Opens and closes at a depth of Python frames, <module> among them. Reads lines "DEPTH COUNT",
and answers with the nanoseconds of the thread's CPU time. "canary": as worker.py."""

import os
import sys
from time import thread_time_ns

PATH = sys.argv[1]


def at_depth(frames, count):
    if frames > 1:
        return at_depth(frames - 1, count)
    start = thread_time_ns()
    for _ in range(count):
        os.close(os.open(PATH, os.O_RDONLY))
    return thread_time_ns() - start


for line in sys.stdin:
    if line == "canary\n":
        fd = os.open(PATH, os.O_RDONLY)
        os.close(fd)
        try:
            os.close(fd)
        except OSError:
            print("done", flush=True)
        continue
    depth, count = map(int, line.split())
    if depth == 1:
        start = thread_time_ns()
        for _ in range(count):
            os.close(os.open(PATH, os.O_RDONLY))
        print(thread_time_ns() - start, flush=True)
    else:
        print(at_depth(depth - 1, count), flush=True)
