# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What is written to a number that is another's by then succeeds, and is lost in there.

truth(file): owned_close proven
truth(socket): owned_close proven
truth(two): misdirected_io proven min=3.8
truth(int): misdirected_io likely
truth(read): misdirected_io likely
"""
import os
import socket
import tempfile

from proof import FORM, begin, took


class Raw:
    """Keeps a bare number after it has closed it."""

    def __init__(self):
        self.fd = os.open("/dev/zero", os.O_RDWR)  # OPENED(int,read)

    def write(self, data):
        return os.write(self.fd, data)  # CULPRIT(int)

    def read(self):
        return os.read(self.fd, 4)  # CULPRIT(read)

    def close(self):
        os.close(self.fd)  # FIRST(int,read)

    def fileno(self):
        return self.fd


def owner():
    if FORM == "file":
        return open("/dev/null", "wb", buffering=0)  # OPENED(file)
    if FORM in ("socket", "two"):
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # OPENED(socket,two)
    return Raw()


def closes_it(thing):
    os.close(thing.fileno())  # CULPRIT(file,socket)


def closes_another(thing):
    socket.socket(fileno=thing.fileno()).close()  # FIRST(two)


def victim(folder):
    if FORM in ("socket", "two"):
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)  # VICTIM(socket,two)
    path = os.path.join(folder, "accounts.db")
    with open(path, "wb") as file:
        file.write(b"head")
    return open(path, "r+b", buffering=0), None  # VICTIM(file,int,read)


def main(folder):
    thing = owner()
    number = thing.fileno()
    if FORM == "two":
        closes_another(thing)
    else:
        thing.close() if FORM in ("int", "read") else closes_it(thing)
    mine, peer = victim(folder)
    took(mine, number)
    if FORM in ("socket", "two"):
        thing.send(b"lost")  # CULPRIT(two)
        assert peer.recv(9) == b"lost"
    elif FORM == "read":
        assert thing.read() == b"head"
    else:
        thing.write(b"lost")
        mine.seek(0)
        assert mine.read() == b"lost"
    if FORM in ("file", "socket", "two"):
        thing.detach() if FORM != "file" else globals().update(kept=thing)


begin()
with tempfile.TemporaryDirectory() as folder:
    main(folder)
os._exit(0)
