# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Closes twice, again and again, until it is told to stop: argv is the number of turns and the
pause after each, seconds."""
import os
import sys
import time

from simlib import wait_for_tracer


def close_again(fd):
    try:
        os.close(fd)
    except OSError:
        pass


wait_for_tracer()
for _ in range(int(sys.argv[1])):
    number = os.open("/dev/null", os.O_RDONLY)
    os.close(number)
    close_again(number)
    time.sleep(float(sys.argv[2]))
