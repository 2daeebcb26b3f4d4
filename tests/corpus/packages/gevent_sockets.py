# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Sockets and files of gevent's.

needs: gevent==23.9.1
truth(right): none
truth(thief): owned_close proven
"""
import os

import gevent
from gevent import fileobject, socket

from proof import FORM, begin


def thief(sock):
    os.close(sock.fileno())  # CULPRIT


begin()
left, right = socket.socketpair()
reading = gevent.spawn(right.recv, 2)
left.send(b"x")
assert reading.get() == b"x"
if FORM == "thief":
    thief(left)
    os._exit(0)
left.close()
right.close()
r, w = os.pipe()
with fileobject.FileObjectPosix(r, "rb") as reader, fileobject.FileObjectPosix(w, "wb") as writer:
    writer.write(b"x")
    writer.close()
    assert reader.read() == b"x"
