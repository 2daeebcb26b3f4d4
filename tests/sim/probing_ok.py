# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: fcntl(F_GETFD) asks which numbers are open; one of them was closed just before.
import fcntl
import os

from simlib import wait_for_tracer

wait_for_tracer()
os.close(os.open("/dev/null", os.O_RDONLY))
for fd in range(200):
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        pass
