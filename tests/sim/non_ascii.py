# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Names of functions in Latin-1, in two bytes and in four bytes a character; a file name too.
# @sim {"copy_as": "größe_名前_𠀀.py"}
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad": "schließen@bad <
#   閉じる@closing < 𠀀@all < <module>@call", "closed": "閉じる@closed < 𠀀@all < <module>@call",
#   "opened": "𠀀@opened < <module>@call"}
import os

from simlib import say, wait_for_tracer


def schließen(fd):
    try:
        os.close(fd)  # <bad>
    except OSError:
        pass


def 閉じる(fd):
    os.close(fd)  # <closed>
    schließen(fd)  # <closing>


def 𠀀():
    fd = os.open("/dev/null", os.O_RDONLY)  # <opened>
    say(fd=fd)
    閉じる(fd)  # <all>


wait_for_tracer()
𠀀()  # <call>
