# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A number that dup2 made is closed twice; closing the original as well is right.
# @expect {"kind": "double_close", "type": "file", "path": "/dev/null", "fd": "fd", "calls":
#   {"bad": "close", "closed": "close", "opened": "dup3"}, "bad": "<module>@bad", "closed":
#   "<module>@closed", "opened": "<module>@opened"}
import os

from simlib import say, wait_for_tracer

wait_for_tracer()
original = os.open("/dev/null", os.O_RDONLY)
os.dup2(original, 77, inheritable=False)  # <opened>
say(fd=77)
os.close(original)
os.close(77)  # <closed>
try:
    os.close(77)  # <bad>
except OSError:
    pass
