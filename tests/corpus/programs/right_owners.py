# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Numbers that go from one owner to another as they should.

truth(detach_socket): none
truth(detach_file): none
truth(closefd): none
truth(fdopen): none
truth(adopt): none
truth(dup): none
truth(dup2): none
truth(fromfd): none
truth(makefile): none
truth(mmap): none
truth(twice): none
truth(shared): none
truth(connection): none
truth(tempfile): none
truth(memfd): none
truth(rights): none
"""
import array
import io
import mmap
import multiprocessing
import os
import socket
import tempfile

from proof import FORM, begin, gone, skip


def detach_socket():
    number = socket.socket().detach()
    os.close(number)
    number = socket.socket().detach()
    socket.socket(fileno=number).close()


def detach_file():
    """A buffer gives its raw file away, which then closes."""
    raw = open("/dev/null", "rb").detach()
    number = raw.fileno()
    raw.close()
    gone(number)


def closefd():
    number = os.open("/dev/null", os.O_RDWR)
    for _ in range(3):
        with open(number, "wb", closefd=False) as file:
            file.write(b"x")
    io.FileIO(number, closefd=False).close()
    os.close(number)


def fdopen():
    r, w = os.pipe()
    with os.fdopen(w, "wb") as writer, os.fdopen(r, "rb") as reader:
        writer.write(b"x")
        writer.close()
        assert reader.read() == b"x"


class Adopter:
    def __init__(self, fd):
        self.fd = fd

    def close(self):
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


def adopt():
    for _ in range(5):
        adopter = Adopter(os.open("/dev/null", os.O_RDONLY))
        adopter.close()
        adopter.close()


def dup():
    with open("/dev/null") as file:
        copy = os.dup(file.fileno())
        os.close(copy)
        with os.fdopen(os.dup(file.fileno())):
            pass


def dup2():
    """Standard output goes elsewhere, and comes back."""
    saved = os.dup(1)
    with open("/dev/null", "w") as file:
        os.dup2(file.fileno(), 1)
    os.dup2(saved, 1)
    os.close(saved)


def fromfd():
    with socket.socket() as first:
        with socket.fromfd(first.fileno(), socket.AF_INET, socket.SOCK_STREAM):
            pass


def makefile():
    left, right = socket.socketpair()
    with left.makefile("rb"), left.makefile("wb"):
        left.close()
    right.close()


def mapped():
    number = os.open(os.__file__, os.O_RDONLY)
    with mmap.mmap(number, 4096, access=mmap.ACCESS_READ) as view:
        os.close(number)
        assert len(view[:16]) == 16


def twice():
    """Objects whose close() may be called again."""
    file, sock = open("/dev/null"), socket.socket()
    for _ in range(3):
        file.close()
        sock.close()
    del file, sock


def shared():
    """A number for another user each time, and each closes its own."""
    for _ in range(20):
        os.close(os.open("/dev/null", os.O_RDONLY))
        open("/dev/null").close()
        socket.socket().close()


def connection():
    left, right = multiprocessing.Pipe()
    left.send(1)
    assert right.recv() == 1
    left.close()
    right.close()


def temporary():
    fd, path = tempfile.mkstemp()
    os.close(fd)
    with open(path) as file, tempfile.NamedTemporaryFile(), tempfile.TemporaryFile():
        file.read()
    os.unlink(path)


def memfd():
    if not hasattr(os, "memfd_create"):
        skip("this Python was built without os.memfd_create()")
    with os.fdopen(os.memfd_create("corpus"), "w+b") as file:
        file.write(b"x")


def rights():
    left, right = socket.socketpair()
    with left, right, open("/dev/null") as file:
        left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                               array.array("i", [file.fileno()]))])
        _, data, _, _ = right.recvmsg(1, 64)
        os.close(array.array("i", data[0][2][:4])[0])


begin()
{"mmap": mapped, "tempfile": temporary}.get(FORM, globals().get(FORM))()
