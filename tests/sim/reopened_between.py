# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The number has a second generation between its first close and the failing one: the finding is
# about the second.
# @expect {"kind": "double_close", "type": "pipe", "fd": "fd", "calls": {"opened": "pipe2"},
#   "bad": "<module>@bad", "closed": "<module>@closed", "opened": "<module>@opened"}
import os

from simlib import say, wait_for_tracer

wait_for_tracer()
number = os.open("/dev/null", os.O_RDONLY)
os.close(number)
reader, writer = os.pipe()  # <opened>
assert reader == number
say(fd=reader)
os.close(reader)  # <closed>
try:
    os.close(reader)  # <bad>
except OSError:
    pass
os.close(writer)
