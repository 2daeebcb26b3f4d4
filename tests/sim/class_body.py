# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Closes in the bodies of classes, one inside the other.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad": "Outer.Inner@bad <
#   Outer@inner < <module>@outer", "closed": "Outer@closed < <module>@outer", "opened":
#   "<module>@opened"}
import os

from simlib import say, wait_for_tracer

wait_for_tracer()
number = os.open("/dev/null", os.O_RDONLY)  # <opened>
say(fd=number)


class Outer:  # <outer>
    os.close(number)  # <closed>

    class Inner:  # <inner>
        try:
            os.close(number)  # <bad>
        except OSError:
            pass
