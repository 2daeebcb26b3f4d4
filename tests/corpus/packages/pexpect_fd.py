# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""fdspawn closes the number that it was given: a socket's own, too.

needs: pexpect==4.6.0
culprit: close@fdpexpect.py
truth(socket): owned_close proven
truth(file): owned_close proven
truth(right): none
"""
import os
import socket

from pexpect.fdpexpect import fdspawn

from proof import FORM, begin, fails


def owner():
    return socket.socket() if FORM == "socket" else open("/dev/zero", "rb")  # OPENED(socket,file)


begin()
if FORM == "right":
    r, w = os.pipe()
    os.write(w, b"hello\n")
    os.close(w)
    spawned = fdspawn(r)
    assert spawned.expect(b"hello") == 0
    spawned.close()
    spawned.close()
else:
    thing = owner()
    fdspawn(thing.fileno()).close()  # culprit(socket,file)
    with fails():
        thing.close()
