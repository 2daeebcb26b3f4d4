# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The process is gone on the line after the second close.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad": "main@bad <
#   <module>@call", "closed": "main@closed < <module>@call", "opened": "main@opened <
#   <module>@call"}
import os

from simlib import say, wait_for_tracer


def main():
    fd = os.open("/dev/null", os.O_RDONLY)  # <opened>
    say(fd=fd)
    os.close(fd)  # <closed>
    try:
        os.close(fd)  # <bad>
    except OSError:
        os._exit(0)


wait_for_tracer()
main()  # <call>
