# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# os.fdopen owns the number; the program closes it too.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad": "main@bad", "closed":
#   "main@closed", "opened": "main@opened"}
import os

from simlib import say, wait_for_tracer


def main():
    fd = os.open("/dev/null", os.O_RDONLY)  # <opened>
    say(fd=fd)
    stream = os.fdopen(fd, "rb")
    stream.read()
    stream.close()  # <closed>
    try:
        os.close(fd)  # <bad>
    except OSError:
        pass


wait_for_tracer()
main()
