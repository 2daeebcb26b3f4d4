# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""C code closes the number of a Python object: there is no os.close() anywhere.

truth(file): owned_close proven
truth(socket): owned_close proven
truth(epoll): owned_close proven
truth(thread): owned_close proven
truth(file@attached): owned_close proven
"""
import ctypes
import os
import select
import socket
import threading

from proof import FORM, begin, gone

libc = ctypes.CDLL(None)


def owner():
    if FORM == "socket":
        return socket.socket()  # OPENED(socket)
    if FORM == "epoll":
        return select.epoll()  # OPENED(epoll)
    return open(__file__)  # OPENED(file,thread)


def helper(number):
    assert libc.close(number) == 0  # CULPRIT


begin()
thing = owner()
number = thing.fileno()
if FORM == "thread":
    thread = threading.Thread(target=helper, args=(number,))
    thread.start()
    thread.join()
else:
    helper(number)
gone(number)
try:
    thing.close()
    failed = FORM == "epoll"  # its close() does not say
except OSError:
    failed = True
assert failed
