# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Every right way of handing a number over: to an object, from one, between two.
import io
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading

from simlib import wait_for_tracer


def files():
    fd = os.open(__file__, os.O_RDONLY)
    with open(fd):
        pass
    fd = os.open(__file__, os.O_RDONLY)
    with open(fd, closefd=False):
        pass
    os.close(fd)
    with os.fdopen(os.open(__file__, os.O_RDONLY)) as fp:
        fp.read(1)
    with open(__file__, opener=os.open) as fp:
        fp.read(1)
    raw = io.FileIO(__file__)
    raw.__init__(os.__file__)  # closes the first
    raw.close()
    raw.close()


def sockets():
    left, right = socket.socketpair()
    fd = left.detach()
    again = socket.socket(fileno=fd)
    copy = again.dup()
    stream = copy.makefile("rb")
    copy.close()
    stream.close()
    again.close()
    os.close(right.detach())


def epolls():
    with select.epoll() as epoll:
        copy = select.epoll.fromfd(os.dup(epoll.fileno()))
    del copy


def redirects():
    saved = os.dup(1)
    with tempfile.TemporaryFile() as fp:
        os.dup2(fp.fileno(), 1)
        os.dup2(saved, 1)
        other = open(__file__)
        os.dup2(fp.fileno(), other.fileno())  # the object has it still
        other.close()
    os.close(saved)


def children():
    subprocess.run([sys.executable, "-c", "print(1)"], stdout=subprocess.PIPE, check=True)
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


def reused():
    for _ in range(100):
        a = open(__file__)
        a.close()
        b = os.open(__file__, os.O_RDONLY)
        os.close(b)
        c = socket.socket()
        del c


def main():
    for step in (files, sockets, epolls, redirects, children, reused):
        step()


wait_for_tracer()
main()
threads = [threading.Thread(target=reused) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
