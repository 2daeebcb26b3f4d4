# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A number is closed behind an object's back; the object's death then closes who has it by now.

truth(file): owned_close proven
truth(socket): owned_close proven
truth(raw): owned_close proven
truth(sqlite): owned_close proven
truth(before@attached): owned_close proven
"""
import os
import socket
import sqlite3
import tempfile

from proof import FORM, begin, gone, took

early = open("/dev/zero") if FORM == "before" else None


def owner():
    if FORM == "socket":
        return socket.socket()  # OPENED(socket)
    return open("/dev/zero")  # OPENED(file,raw,sqlite)


def thief(thing):
    os.close(thing.fileno())  # CULPRIT


def database(folder, number):
    connection = sqlite3.connect(os.path.join(folder, "accounts.db"))  # VICTIM(sqlite)
    assert os.readlink("/proc/self/fd/%d" % number).endswith("accounts.db")
    return connection


def main(folder):
    things = [early or owner()]
    number = things[0].fileno()
    thief(things[0])
    if FORM == "sqlite":
        victim = database(folder, number)
    elif FORM == "raw":
        victim = took(os.open("/dev/null", os.O_RDONLY), number)  # VICTIM(raw)
    else:
        victim = took(open("/dev/null"), number)  # VICTIM(file,socket,before)
    things.clear()
    globals().update(early=None)
    return victim, number


begin()
with tempfile.TemporaryDirectory() as folder:
    victim, number = main(folder)
    if FORM != "before":
        gone(number)
