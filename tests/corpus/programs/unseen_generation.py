# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The number's generations have a gap: it comes over a socket, by SCM_RIGHTS, where no call returns it.

misleads: a generation that nobody saw begin
truth(right): none
truth(twice): double_close likely
truth(between): double_close open
"""
import array
import os
import socket

from proof import FORM, begin, fails


class Received:
    def __init__(self, sock):
        _, data, _, _ = sock.recvmsg(1, 64)  # OPENED
        self.fd = array.array("i", data[0][2][:4])[0]

    def close(self):
        os.close(self.fd)  # FIRST CULPRIT


def send(sock):
    with open("/dev/zero") as file:
        rights = array.array("i", [file.fileno()])
        sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


begin()
left, right = socket.socketpair()
send(left)
received = Received(right)
received.close()  # first
if FORM == "twice":
    with fails():
        received.close()  # culprit(twice)
elif FORM == "between":
    send(left)
    another = Received(right)
    assert another.fd == received.fd
    another.close()
    with fails():
        received.close()  # culprit(between)
