# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A decorator that cleans up after a function which has cleaned up already.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad":
#   "closes.<locals>.wrapper@bad < <module>@call", "closed": "work@closed <
#   closes.<locals>.wrapper@inside < <module>@call", "opened": "<module>@opened"}
import functools
import os

from simlib import say, wait_for_tracer


def closes(function):
    @functools.wraps(function)
    def wrapper(fd):
        function(fd)  # <inside>
        try:
            os.close(fd)  # <bad>
        except OSError:
            pass

    return wrapper


@closes
def work(fd):
    os.close(fd)  # <closed>


wait_for_tracer()
number = os.open("/dev/null", os.O_RDONLY)  # <opened>
say(fd=number)
work(number)  # <call>
