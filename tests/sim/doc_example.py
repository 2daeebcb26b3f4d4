# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The example of Python's documentation (Development Mode, "Bad file descriptor error"): the
# number is closed under the file object, which closes it again when it is finalized.
# @expect {"kind": "owned_close", "type": "file", "fd": "fd", "ownership": "on", "culprit": "bad",
#   "owner": "_io.FileIO", "origin": {"bad": "os.close"}, "bad": "main@closed < <module>@call",
#   "opened": "main@opened < <module>@call", "advice": "closefd=False"}
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "ownership": "off", "closed":
#   "main@closed < <module>@call", "opened": "main@opened < <module>@call", "bad": "<module>@call"}
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "ownership": "on", "culprit":
#   "closed", "owner": "_io.FileIO", "origin": {"bad": "finalizer", "closed": "os.close"}, "closed": "main@closed <
#   <module>@call", "opened": "main@opened < <module>@call", "bad": "<module>@call", "advice":
#   "closefd=False"}
import os

from simlib import say, wait_for_tracer


def main():
    fp = open(__file__)  # <opened>
    firstline = fp.readline()
    assert firstline
    say(fd=fp.fileno())
    os.close(fp.fileno())  # <closed>
    # The file is closed implicitly


wait_for_tracer()
main()  # <call>
