# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# EBADF, although the number is open: a write to a descriptor opened for reading, and the
# other way round. No finding: the descriptor is good.
import os

from simlib import wait_for_tracer

wait_for_tracer()
reader = os.open("/dev/null", os.O_RDONLY)
writer = os.open("/dev/null", os.O_WRONLY)
for call in (lambda: os.write(reader, b"x"), lambda: os.read(writer, 1)):
    try:
        call()
    except OSError:
        pass
os.close(reader)
os.close(writer)
