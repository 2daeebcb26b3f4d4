# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: a socket gives its number away, another object or the program closes it.
import os
import socket

from simlib import wait_for_tracer

wait_for_tracer()
os.close(socket.socket().detach())
other = socket.socket(fileno=socket.socket().detach())
other.close()
other.close()
stream = os.fdopen(os.open("/dev/null", os.O_RDONLY), "rb", buffering=0)
stream.close()
stream.close()
borrowed = os.open("/dev/null", os.O_RDONLY)
open(borrowed, closefd=False).close()
os.close(borrowed)
