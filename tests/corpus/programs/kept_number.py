# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""An object opens a number and keeps it, bare, though it was closed: what it writes goes to whoever
has the number by then. A method may write to any number, though: to one that it is given, to one that
the object has been given since, to one of another object. And another object may lie where a dead one
lay.

misleads: the receiver
truth(file): misdirected_io likely
truth(socket): misdirected_io likely
truth(slots): misdirected_io likely
truth(read): misdirected_io likely
truth(again): misdirected_io likely
truth(argument): none
truth(variable): none
truth(forgets): none
truth(dead): none
truth(reopens): none
truth(adopts): none
truth(borrows): none
truth(holds): none
truth(sends): none
truth(through): none
"""
import io
import os
import socket

from proof import FORM, begin, took


class Keeper:
    def __init__(self):
        self.name = "keeper"
        self.fd = os.open("/dev/null", os.O_RDWR)  # OPENED(file,socket,read,again)

    def close(self):
        os.close(self.fd)

    def forget(self):
        os.close(self.fd)
        self.fd = -1

    def write(self):
        assert os.write(self.fd, b"lost") == 4

    def read(self):
        return os.read(self.fd, 4)

    def log(self, fd, data):
        assert os.write(fd, data) == 4

    def copy(self, files):
        for fd in files:
            assert os.write(fd, b"mine") == 4

    def send(self, file):
        assert os.write(file.fileno(), b"mine") == 4

    def send_through(self, peer):
        self.peer = peer
        assert os.write(self.peer.fileno(), b"mine") == 4

    def attach(self, fd):
        self.fd = fd

    def reopen(self):
        self.file = connect()
        self.fd = self.file.fileno()


class Slots:
    __slots__ = ("name", "fd")

    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDWR)  # OPENED(slots)

    def write(self):
        assert os.write(self.fd, b"lost") == 4


class Borrower(Keeper):
    def __init__(self, fd):
        self.name = "borrower"
        self.fd = fd


def connect():
    return open("/dev/zero", "r+b", buffering=0)


def victim():
    if FORM == "socket":
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # VICTIM(socket)
    return open("/dev/zero", "r+b", buffering=0)  # VICTIM(file,slots,read,again)


def thief(number):
    os.close(number)  # CULPRIT(file,socket,slots,read,again)


def wrong():
    keeper = Slots() if FORM == "slots" else Keeper()
    if FORM == "again":  # the first one has the number still as the second one gets it
        keeper.close()
        keeper = Keeper()
    thief(keeper.fd)
    mine = took(victim(), keeper.fd)
    if FORM == "socket":
        mine.bind("")
        mine.connect(mine.getsockname())
    if FORM == "read":
        assert keeper.read() == b"\0\0\0\0"
    else:
        keeper.write()
    return mine


def dead():
    keeper = Keeper()
    keeper.close()
    return id(keeper), keeper.fd


def at_dead_address():
    for _ in range(1000):
        where, number = dead()
        others = [Keeper.__new__(Keeper) for _ in range(100)]
        mine = took(victim(), number)
        for other in others:
            if id(other) == where:
                other.attach(mine.fileno())
                other.write()
                return
        mine.close()
    raise SystemExit("no object came to lie there")


def right():
    keeper = Keeper()
    number = keeper.fd
    keeper.forget() if FORM == "forgets" else keeper.close()
    if FORM == "reopens":
        keeper.reopen()
        took(keeper.fd, number)
        keeper.write()
        return
    mine = took(os.open("/dev/zero", os.O_RDWR) if FORM == "adopts" else victim(), number)
    if FORM == "argument":
        keeper.log(mine.fileno(), b"mine")
    elif FORM == "variable":
        keeper.copy([mine.fileno()])
    elif FORM in ("forgets", "sends"):
        keeper.send(mine)
    elif FORM == "through":
        with io.BufferedWriter(mine) as buffered:
            keeper.send_through(buffered)
    elif FORM == "adopts":
        keeper.attach(mine)
        keeper.write()
    elif FORM == "borrows":
        keeper.attach(mine.fileno())
        keeper.write()
    elif FORM == "holds":
        keeper.file = mine
        keeper.attach(mine.fileno())
        keeper.write()


begin()
if FORM == "dead":
    at_dead_address()
elif FORM in ("file", "socket", "slots", "read", "again"):
    wrong()
else:
    right()
