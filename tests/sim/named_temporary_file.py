# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The number of a NamedTemporaryFile is closed under it; its own close seeks first.
# @expect {"kind": "owned_close", "type": "file", "fd": "fd", "ownership": "on", "culprit": "bad",
#   "owner": "_io.FileIO", "bad": "main@closed", "opened": "main@opened"}
# @expect {"kind": "use_after_close", "fd": "fd", "calls": {"bad": "lseek"}, "culprit": "closed",
#   "bad": "main@bad"}
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "culprit": "closed", "origin": {"bad":
#   "close"}, "bad": "main@bad", "closed": "main@closed", "opened": "main@opened"}
import os
import tempfile

from simlib import say, wait_for_tracer


def main():
    temporary = tempfile.NamedTemporaryFile()  # <opened>
    say(fd=temporary.fileno())
    os.close(temporary.fileno())  # <closed>
    try:
        temporary.close()  # <bad>
    except OSError:
        pass


wait_for_tracer()
main()
