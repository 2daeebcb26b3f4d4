# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The parent closed the number before fork; the child, with the parent's history, again.
# @expect {"kind": "double_close", "inherited": ["opened", "closed"], "type": "file", "fd":
#   "fd", "pid": "child", "bad": "<module>@bad", "closed": "close_once@closed <
#   <module>@before", "opened": "<module>@opened"}
import os

from simlib import say, wait_for_tracer


def close_once(fd):
    os.close(fd)  # <closed>


wait_for_tracer()
number = os.open("/dev/null", os.O_RDONLY)  # <opened>
close_once(number)  # <before>
child = os.fork()
if child == 0:
    try:
        os.close(number)  # <bad>
    except OSError:
        os._exit(0)
os.waitpid(child, 0)
say(fd=number, child=child)
