# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The process under measurement: loops that open and close, on command, timed from inside.

Reads one command a line from standard input and answers each with one line:
  object DEPTH COUNT PATH   COUNT times open(PATH).close(); answers nanoseconds, a whole number
  raw DEPTH COUNT PATH      COUNT times os.close(os.open(PATH, os.O_RDONLY)); the same
  canary                    closes one descriptor twice; answers "done"
DEPTH counts the Python frames on the stack at the call, <module> among them.
Runs on every Python 3 from 3.7 on, and needs no module but the standard library's.
"""

import os
import sys
import time


def object_loop(count, path):
    start = time.perf_counter_ns()
    for _ in range(count):
        open(path).close()
    return time.perf_counter_ns() - start


def raw_loop(count, path):
    start = time.perf_counter_ns()
    for _ in range(count):
        os.close(os.open(path, os.O_RDONLY))
    return time.perf_counter_ns() - start


def canary():
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    try:
        os.close(fd)
    except OSError:
        return "done"
    raise AssertionError("the second close of {} succeeded".format(fd))


def at_depth(frames, loop, count, path):
    """Calls loop as the frame number `frames` above this one."""
    if frames > 1:
        return at_depth(frames - 1, loop, count, path)
    return loop(count, path)


def frames_here():
    """Python frames on the stack of the caller, the caller included."""
    frame, count = sys._getframe(1), 0
    while frame:
        frame, count = frame.f_back, count + 1
    return count


def main():
    loops = {"object": object_loop, "raw": raw_loop}
    for line in sys.stdin:
        words = line.split()
        if words[0] == "canary":
            print(canary(), flush=True)
            continue
        name, depth, count, path = words
        above = int(depth) - frames_here() - 1
        print(at_depth(above, loops[name], int(count), path), flush=True)


main()
