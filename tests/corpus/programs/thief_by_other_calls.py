# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The stale number is not closed by close(), but by dup2(), close_range(), exec or fdopen: it ends
another's descriptor all the same.

truth(dup2): reused_close proven
truth(closerange): reused_close proven
truth(fdopen): reused_close proven
truth(socket): reused_close proven
"""
import os
import socket

from proof import FORM, begin, fails, gone, took


class Owner:
    def __init__(self):
        if FORM == "socket":
            self.fd = socket.socket().detach()  # OPENED(socket)
        else:
            self.fd = os.open("/dev/null", os.O_RDWR)  # OPENED(dup2,closerange,fdopen)

    def close(self):
        os.close(self.fd)  # FIRST

    def replace(self):
        os.dup2(0, self.fd)  # CULPRIT(dup2)

    def close_from(self):
        os.closerange(self.fd, self.fd + 1)  # CULPRIT(closerange)

    def reopen(self):
        """It adopts what it has no right to."""
        with os.fdopen(self.fd, "rb"):
            pass  # CULPRIT(fdopen)

    def shut(self):
        os.close(self.fd)  # CULPRIT(socket)


def victim(number):
    return took(open(__file__), number)  # VICTIM


begin()
owner = Owner()
owner.close()  # first
stolen = victim(owner.fd)
{"dup2": owner.replace, "closerange": owner.close_from, "fdopen": owner.reopen,
 "socket": owner.shut}[FORM]()
if FORM == "dup2":
    assert os.readlink("/proc/self/fd/%d" % owner.fd) == os.readlink("/proc/self/fd/0")
else:
    gone(owner.fd)
    with fails():
        stolen.close()
