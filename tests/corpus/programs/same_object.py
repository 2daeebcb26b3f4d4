# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One wrapper's close() is called twice. What has its number by then differs: nothing, or another's
file, socket, pipe or bare number; so do the lines that it is called from.

truth(idle): double_close proven
truth(file): reused_close proven
truth(socket): reused_close proven
truth(raw): reused_close likely
truth(pipe): reused_close likely
truth(loop): reused_close proven
truth(del): reused_close proven
truth(idle@attached): double_close proven
truth(file@attached): reused_close proven
"""
import os
import socket

from proof import FORM, begin, fails, gone, took


class Wrapper:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def close(self):
        os.close(self.fd)  # FIRST CULPRIT

    def __del__(self):
        if FORM == "del":
            self.close()  # culprit(del)


def take():
    if FORM == "idle":
        return None
    if FORM == "socket":
        return socket.socket()  # VICTIM(socket)
    if FORM == "raw":
        return os.open("/dev/zero", os.O_RDONLY)  # VICTIM(raw)
    if FORM == "pipe":
        return os.pipe()[0]  # VICTIM(pipe)
    return open(__file__)  # VICTIM(file,loop,del)


def twice():
    wrapper, number, victim = Wrapper(), -1, None
    for _ in range(2):
        wrapper.close()  # first(loop) culprit(loop)
        if victim is None:
            victim = took(take(), wrapper.fd)
    return victim, wrapper.fd


def main():
    if FORM == "loop":
        return twice()
    wrapper = Wrapper()
    number = wrapper.fd
    wrapper.close()  # first(idle,file,socket,raw,pipe,del)
    victim = take()
    if FORM == "idle":
        with fails():
            wrapper.close()  # culprit(idle)
        return None, number
    took(victim, number)
    if FORM == "del":
        del wrapper
    else:
        wrapper.close()  # culprit(file,socket,raw,pipe)
    return victim, number


begin()
victim, number = main()
gone(number)
if FORM in ("raw", "pipe"):
    with fails():
        os.close(victim)
elif FORM != "idle":
    with fails():
        victim.close()
