# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# One bug met three times: three findings, or one that counts three.
# @expect {"kind": "double_close", "type": "file", "count": 3, "bad": "close_again@bad",
#   "closed": "<module>@closed", "opened": "<module>@opened"}
import os

from simlib import wait_for_tracer


def close_again(fd):
    try:
        os.close(fd)  # <bad>
    except OSError:
        pass


wait_for_tracer()
for _ in range(3):
    number = os.open("/dev/null", os.O_RDONLY)  # <opened>
    os.close(number)  # <closed>
    close_again(number)
