# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A method makes a socket, takes its number out of it, and keeps that: the number is its object's from
then on, though another object opened it. Its second close is as wrong as if it had opened it itself.

misleads: the receiver that opened, which is the socket
truth(idle): double_close proven
truth(file): reused_close proven
truth(accepted): reused_close proven min=3.8
truth(thread): reused_close proven
truth(raw): reused_close likely
truth(another): owned_close proven
truth(right): none
"""
import os
import socket
import threading

from proof import FORM, begin, fails, gone, took


class Connection:
    def __init__(self):
        self.fd = socket.socket().detach()  # OPENED(idle,file,thread,raw)

    def close(self):
        os.close(self.fd)  # FIRST(idle,file,accepted,thread,raw) CULPRIT


class Accepted(Connection):
    def __init__(self, listener):
        self.fd = listener.accept()[0].detach()  # OPENED(accepted)


def stranger():
    return open("/dev/zero")  # VICTIM(file,accepted) OPENED(another)


def raw_stranger():
    return os.open("/dev/zero", os.O_RDONLY)  # VICTIM(raw)


def in_thread():
    kept = []
    thread = threading.Thread(target=lambda: kept.append(socket.socket()))  # VICTIM(thread)
    thread.start()
    thread.join()
    return kept[0]


def robs(connection, make, give_back):
    connection.close()  # first(file,accepted,thread,raw)
    victim = took(make(), connection.fd)
    connection.close()  # culprit(file,accepted,thread,raw)
    gone(connection.fd)
    with fails():
        give_back(victim)


def accepted():
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    robs(Accepted(listener), stranger, lambda file: file.close())
    client.close()
    listener.close()


def idle():
    connection = Connection()
    connection.close()  # first(idle)
    with fails():
        connection.close()  # culprit(idle)


def another():
    """It has closed its own rightly, and gets the number of a file that keeps it."""
    connection = Connection()
    connection.close()
    file = took(stranger(), connection.fd)
    connection = Connection.__new__(Connection)
    connection.fd = file.fileno()
    connection.close()
    with fails():
        file.close()


def right():
    for _ in range(5):
        connection = Connection()
        connection.close()
        with took(stranger(), connection.fd):
            pass


begin()
mains = {
    "file": lambda: robs(Connection(), stranger, lambda file: file.close()),
    "thread": lambda: robs(Connection(), in_thread, lambda sock: sock.close()),
    "raw": lambda: robs(Connection(), raw_stranger, os.close),
}
mains.get(FORM, globals().get(FORM))()
