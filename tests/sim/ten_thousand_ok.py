# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: 10,000 opens and closes in every way, numbers used again all the time.
import os
import socket

from simlib import wait_for_tracer

wait_for_tracer()
for _ in range(2000):
    open("/dev/null").close()
    os.close(os.open("/dev/null", os.O_RDONLY))
    os.close(os.dup(1))
    for end in os.pipe():
        os.close(end)
    socket.socket().close()
