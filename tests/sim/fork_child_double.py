# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The child closes an inherited number twice; the parent once, which is right.
# @expect {"kind": "double_close", "inherited": ["opened"], "type": "file", "path": "/dev/null",
#   "fd": "fd", "pid": "child", "bad": "in_child@bad < <module>@child", "closed":
#   "in_child@closed < <module>@child", "opened": "<module>@opened"}
import os

from simlib import say, wait_for_tracer


def in_child(fd):
    os.close(fd)  # <closed>
    try:
        os.close(fd)  # <bad>
    except OSError:
        pass


wait_for_tracer()
number = os.open("/dev/null", os.O_RDONLY)  # <opened>
child = os.fork()
if child == 0:
    in_child(number)  # <child>
    os._exit(0)
os.waitpid(child, 0)
os.close(number)
say(fd=number, child=child)
