# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The second close lies 900 calls deep: deeper than any stack that is kept whole.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "status": {"bad": "cut",
#   "closed": "complete"}, "bad": "dive@bad < dive@dive*899 < main@top < <module>@call",
#   "closed": "main@closed", "opened": "main@opened"}
import os

from simlib import say, wait_for_tracer


def dive(fd, depth):
    if depth:
        dive(fd, depth - 1)  # <dive>
        return
    try:
        os.close(fd)  # <bad>
    except OSError:
        pass


def main():
    fd = os.open("/dev/null", os.O_RDONLY)  # <opened>
    say(fd=fd)
    os.close(fd)  # <closed>
    dive(fd, 899)  # <top>


wait_for_tracer()
main()  # <call>
