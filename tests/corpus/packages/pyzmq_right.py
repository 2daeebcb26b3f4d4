# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Sockets of a C library's, which owns their numbers.

needs: pyzmq==25.1.2
truth: none
"""
import zmq

from proof import begin

begin()
context = zmq.Context()
for _ in range(3):
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        push.connect("tcp://127.0.0.1:%d" % port)
        push.send(b"x")
        assert pull.recv() == b"x"
context.term()
