# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Sockets and pipes of eventlet's.

needs: eventlet==0.36.1
truth: none
"""
import os

import eventlet
from eventlet.green import socket
from eventlet.greenio import GreenPipe

from proof import begin

begin()
left, right = socket.socketpair()
reading = eventlet.spawn(right.recv, 2)
left.send(b"x")
assert reading.wait() == b"x"
left.close()
right.close()
r, w = os.pipe()
with GreenPipe(r, "rb") as reader:
    with GreenPipe(w, "wb") as writer:
        writer.write(b"x")
    assert reader.read() == b"x"
