# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Correct: with gevent, constructors of file objects wait cooperatively: in an opener that opens in
a thread of the hub's pool, and for a path. Others open and close files and sockets meanwhile."""
from gevent import monkey

from simlib import wait_for_tracer

wait_for_tracer()
monkey.patch_all()

import io  # noqa: E402
import os  # noqa: E402
import socket  # noqa: E402

import gevent  # noqa: E402

POOL = gevent.get_hub().threadpool


def opener(path, flags):
    return POOL.apply(os.open, (path, flags))


class Waiting:
    def __fspath__(self):
        gevent.sleep(0)
        return "/etc/passwd"


def openers():
    for _ in range(30):
        with open("/etc/passwd", opener=opener) as file:
            file.read()


def paths():
    for _ in range(30):
        io.FileIO(Waiting()).close()
        open(Waiting()).close()


def others():
    for _ in range(30):
        with open("/etc/passwd") as file:
            file.read()
        for one in (socket.socket(), *socket.socketpair()):
            one.close()
        gevent.sleep(0)


def sockets():
    left, right = socket.socketpair()
    for _ in range(30):
        left.sendall(b"x")
        with socket.socket(fileno=os.dup(right.fileno())) as copy:
            assert copy.recv(1) == b"x"
    left.close()
    right.close()


spawned = [gevent.spawn(work) for work in (openers, paths, others, sockets) for _ in range(3)]
gevent.joinall(spawned, raise_error=True)
print("ran to its end")
