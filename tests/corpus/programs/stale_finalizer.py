# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A file's, socket's or epoll's number is closed behind its back; another object gets the number and
gives it back rightly; then the first dies, and its finalizer closes in vain.

misleads: the last generation
truth(file): owned_close proven
truth(socket): owned_close proven
truth(epoll): owned_close proven
truth(file@attached): owned_close proven
"""
import os
import select
import socket

from proof import FORM, begin, gone, took


def open_first():
    if FORM == "socket":
        return socket.socket()  # OPENED(socket)
    if FORM == "epoll":
        return select.epoll()  # OPENED(epoll)
    return open(__file__)  # OPENED(file)


def thief(owner):
    os.close(owner.fileno())  # CULPRIT


def innocent(number):
    with open("/dev/null") as file:
        took(file, number)


def end(owners):
    owners.clear()


begin()
owners = [open_first()]
number = owners[0].fileno()
thief(owners[0])
innocent(number)
gone(number)
end(owners)
