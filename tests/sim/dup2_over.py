# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# dup2 onto the number of a file object ends what was there: the object then closes the copy,
# and the close of the copy comes second.
# @expect {"kind": "double_close", "type": "file", "path": "/dev/zero", "fd": "fd", "calls":
#   {"closed": "close", "opened": "dup2"}, "bad": "<module>@bad", "closed": "<module>@closed",
#   "opened": "<module>@opened"}
import os

from simlib import say, wait_for_tracer

wait_for_tracer()
file = open("/dev/null", "rb", buffering=0)
number = file.fileno()
zero = os.open("/dev/zero", os.O_RDONLY)
os.dup2(zero, number)  # <opened>
say(fd=number)
file.close()  # <closed>
try:
    os.close(number)  # <bad>
except OSError:
    pass
os.close(zero)
