# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A pseudo-terminal from os.openpty(): the C library makes its second end by an ioctl, whose
# return does not tell so. Both ends are closed twice.
# @expect {"kind": "double_close", "type": "file", "path": "/dev/ptmx", "fd": "master", "bad":
#   "close_again@bad < <module>@again", "closed": "<module>@master", "opened":
#   "<module>@opened"}
# @expect {"kind": "double_close", "fd": "slave", "bad": "close_again@bad < <module>@again",
#   "closed": "<module>@slave", "opened": "<module>@opened", "installed": "ioctl"}
import os

from simlib import say, wait_for_tracer


def close_again(fd):
    try:
        os.close(fd)  # <bad>
    except OSError:
        pass


wait_for_tracer()
master, slave = os.openpty()  # <opened>
say(master=master, slave=slave)
os.close(slave)  # <slave>
os.close(master)  # <master>
for number in (slave, master):
    close_again(number)  # <again>
