# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Two Python objects think that one number is theirs.

truth(fdopen): double_close proven
truth(fdopen_file): reused_close proven
truth(fdopen_raw): reused_close proven
truth(sockets): reused_close proven
truth(reverse): reused_close proven
truth(files): double_close proven
"""
import os
import socket

from proof import FORM, begin, fails, gone, took


def hand_over():
    source = socket.socket()  # OPENED(fdopen,fdopen_file,fdopen_raw)
    with os.fdopen(source.fileno(), "rb"):
        pass  # FIRST(fdopen,fdopen_file,fdopen_raw)
    return source


def fdopen():
    source = hand_over()
    number = source.fileno()
    victim = None
    if FORM == "fdopen_file":
        victim = took(open(__file__), number)  # VICTIM(fdopen_file)
    elif FORM == "fdopen_raw":
        victim = took(os.open("/dev/null", os.O_RDONLY), number)  # VICTIM(fdopen_raw)
    drop(source)
    gone(number)


def drop(source):
    try:
        source.close()  # CULPRIT(fdopen,fdopen_file,fdopen_raw)
        assert FORM != "fdopen"
    except OSError:
        assert FORM == "fdopen"


def sockets():
    first = socket.socket()  # OPENED(sockets,reverse)
    second = socket.socket(fileno=first.fileno())
    number = first.fileno()
    if FORM == "reverse":
        first, second = second, first
    first.close()  # FIRST(sockets,reverse)
    victim = took(socket.socket(), number)  # VICTIM(sockets,reverse)
    second.close()  # CULPRIT(sockets,reverse)
    gone(number)
    with fails():
        victim.close()


def files():
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(files)
    first, second = os.fdopen(fd), os.fdopen(fd)
    first.close()  # FIRST(files)
    with fails():
        second.close()  # CULPRIT(files)


begin()
{"sockets": sockets, "reverse": sockets, "files": files}.get(FORM, fdopen)()
