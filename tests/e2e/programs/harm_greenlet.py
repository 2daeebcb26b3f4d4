# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Correct: one greenlet waits within an opener, within a file object's constructor; others open and
close files and sockets meanwhile, and one is thrown away in there."""
import gc
import io
import os
import select
import socket
import sys

import greenlet

from simlib import wait_for_tracer

main = greenlet.getcurrent()


def opener(path, flags):
    main.switch()
    return os.open(path, flags)


class Waiting:
    """A path, and a number, that are known only after a wait."""

    def __init__(self, value):
        self.value = value

    def __fspath__(self):
        main.switch()
        return self.value

    def __index__(self):
        main.switch()
        return self.value


def within_opener():
    with open("/etc/passwd", opener=opener) as file:
        file.read()


def within_path():
    io.FileIO(Waiting("/etc/passwd")).close()


def within_number():
    socket.socket(fileno=Waiting(socket.socket().detach())).close()


def others():
    with open("/etc/passwd") as file:
        file.read()
    for one in (*socket.socketpair(), select.epoll(), io.FileIO("/etc/passwd")):
        one.close()


def begun(work):
    waiting = greenlet.greenlet(work)
    waiting.switch()
    return waiting


def crossing():
    """Each of two constructors ends within the other."""
    for outer in OUTER:
        first = begun(outer)
        others()
        second = begun(within_opener)
        while not (first.dead and second.dead):
            first.switch()
            others()
            second.switch()


def thrown_away():
    waiting = begun(within_opener)
    others()
    del waiting
    gc.collect()
    others()


OUTER = [within_opener, within_path]
if sys.version_info >= (3, 8):  # before, it must be an int
    OUTER.append(within_number)
wait_for_tracer()
for _ in range(20):
    crossing()
    thrown_away()
print("ran to its end")
