# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: dup2 over an open number, over itself, and a redirected standard output put back.
import os

from simlib import wait_for_tracer

wait_for_tracer()
a = os.open("/dev/null", os.O_RDWR)
b = os.open("/dev/zero", os.O_RDONLY)
os.dup2(a, b)
os.dup2(b, b)
os.close(a)
os.close(b)

saved = os.dup(1)
null = os.open("/dev/null", os.O_WRONLY)
os.dup2(null, 1)
os.close(null)
os.write(1, b"nobody reads this\n")
os.dup2(saved, 1)
os.close(saved)
