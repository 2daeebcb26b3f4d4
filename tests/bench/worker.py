# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The process under measurement: loops of calls on descriptors, on command, timed from inside.

Reads one command a line from standard input and answers each with one line:
  LOOP DEPTH TURNS SLICES PATH   SLICES times TURNS turns of a loop (`loops` below) that opens PATH;
                                 answers the nanoseconds of each slice, whole numbers
  canary                         closes one descriptor twice; answers "done"
DEPTH counts the Python frames on the stack in the loop, <module> among them.
The time is the CPU time of this thread alone: what other programs do meanwhile is no part of it.
Runs on every Python 3 from 3.7 on, and needs no module but the standard library's.
"""

import io
import os
import socket
import sys
from time import thread_time_ns


def open_loop(turns, path):
    start = thread_time_ns()
    for _ in range(turns):
        open(path).close()
    return thread_time_ns() - start


def raw_loop(turns, path):
    start = thread_time_ns()
    for _ in range(turns):
        os.close(os.open(path, os.O_RDONLY))
    return thread_time_ns() - start


def socket_loop(turns, path):
    start = thread_time_ns()
    for _ in range(turns):
        socket.socket().close()
    return thread_time_ns() - start


def fileio_loop(turns, path):
    start = thread_time_ns()
    for _ in range(turns):
        io.FileIO(path).close()
    return thread_time_ns() - start


def fstat_loop(turns, path):
    """The descriptor is a bare number: there is no object that an owner's search could find."""
    fd = os.open(path, os.O_RDONLY)
    start = thread_time_ns()
    for _ in range(turns):
        os.fstat(fd)
    taken = thread_time_ns() - start
    os.close(fd)
    return taken


def canary():
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    try:
        os.close(fd)
    except OSError:
        return "done"
    raise AssertionError("the second close of {} succeeded".format(fd))


def at_depth(frames, loop, turns, path):
    """Calls loop as the frame number `frames` above this one."""
    if frames > 1:
        return at_depth(frames - 1, loop, turns, path)
    return loop(turns, path)


def frames_here():
    """Python frames on the stack of the caller, the caller included."""
    frame, count = sys._getframe(1), 0
    while frame:
        frame, count = frame.f_back, count + 1
    return count


def measure(loop, depth, turns, slices, path):
    """The nanoseconds of each slice. There is no list comprehension: in older Pythons that is a
    frame of its own."""
    above = depth - frames_here() - 1
    taken = []
    for _ in range(slices):
        taken.append(at_depth(above, loop, turns, path))
    return taken


def main():
    loops = {"open": open_loop, "raw": raw_loop, "socket": socket_loop, "fileio": fileio_loop,
             "fstat": fstat_loop}
    for line in sys.stdin:
        words = line.split(maxsplit=4)
        if words[0] == "canary":
            print(canary(), flush=True)
            continue
        name, depth, turns, slices, path = words
        taken = measure(loops[name], int(depth), int(turns), int(slices), path.rstrip("\n"))
        print(*taken, flush=True)


main()
