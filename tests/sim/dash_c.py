# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A one-liner's worth of a program, given to python3 -c: 20 ms of life.
# @sim {"run": "-c", "exit": 1}
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad": "<module>@bad", "closed":
#   "shut@closed < <module>@call", "opened": "<module>@opened"}
import os
from simlib import say, wait_for_tracer


def shut(fd):
    os.close(fd)  # <closed>


wait_for_tracer()
fd = os.open("/dev/null", os.O_RDONLY)  # <opened>
say(fd=fd)
shut(fd)  # <call>
os.close(fd)  # <bad>
