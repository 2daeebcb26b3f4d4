# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A lambda that a sort calls, and a comprehension (inlined from 3.12 on).
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad":
#   "main.<locals>.<listcomp>@bad < main@bad", "closed": "main.<locals>.<lambda>@closed <
#   main@sort", "opened": "main@opened", "max": "3.11"}
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad": "main@bad", "closed":
#   "main.<locals>.<lambda>@closed < main@sort", "opened": "main@opened", "min": "3.12"}
import os

from simlib import say, wait_for_tracer


def main():
    fd = os.open("/dev/null", os.O_RDONLY)  # <opened>
    say(fd=fd)
    close = lambda number: os.close(number) or 0  # <closed>
    sorted([fd], key=close)  # <sort>
    try:
        [os.close(number) for number in [fd]]  # <bad>
    except OSError:
        pass


wait_for_tracer()
main()
