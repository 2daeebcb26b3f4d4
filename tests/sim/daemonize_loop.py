# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A daemon that closes each number by hand; one of them is open.
# @expect {"kind": "close_sweep", "severity": "info", "bad": "close_all@sweep < <module>@call",
#   "count": "any"}
import os

from simlib import wait_for_tracer


def close_all():
    for fd in range(30, 256):
        try:
            os.close(fd)  # <sweep>
        except OSError:
            pass


wait_for_tracer()
null = os.open("/dev/null", os.O_RDONLY)
os.dup2(null, 100)
os.close(null)
close_all()  # <call>
