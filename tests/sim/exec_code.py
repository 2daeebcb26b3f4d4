# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The second close comes from code made at run time, with a file name that is no file.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad": "made@<made at run time>:3
#   < <module>@<made at run time>:6 < main@exec", "closed": "main@closed", "opened":
#   "main@opened"}
import os

from simlib import say, wait_for_tracer

SOURCE = """def made(fd):
    try:
        os.close(fd)
    except OSError:
        pass
made(fd)
"""


def main():
    fd = os.open("/dev/null", os.O_RDONLY)  # <opened>
    say(fd=fd)
    os.close(fd)  # <closed>
    exec(compile(SOURCE, "<made at run time>", "exec"), {"os": os, "fd": fd})  # <exec>


wait_for_tracer()
main()
