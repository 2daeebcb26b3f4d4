# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: a program in a pseudo-terminal.
import os
import pty

from simlib import wait_for_tracer


def read(fd):
    """What pty.spawn() reads, to be shown; nothing of it is."""
    os.read(fd, 1024)
    return b"\0"


wait_for_tracer()
for _ in range(2):
    pty.spawn(["true"], read)
