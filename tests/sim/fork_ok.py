# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: after fork, parent and child each close their own copy.
import os

from simlib import wait_for_tracer

wait_for_tracer()
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.close(reader)
    os.write(writer, b"x")
    os.close(writer)
    os._exit(0)
os.close(writer)
assert os.read(reader, 1) == b"x"
os.close(reader)
os.waitpid(child, 0)
