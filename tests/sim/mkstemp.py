# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# tempfile.mkstemp gives a bare number; a file object takes it over; the program closes the
# number first, the object, when it dies, second.
# @expect {"kind": "owned_close", "type": "file", "fd": "fd", "ownership": "on", "culprit": "bad",
#   "owner": "_io.FileIO", "bad": "main@closed", "opened": "main@opened"}
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "culprit": "closed", "origin": {"bad":
#   "finalizer"}, "bad": "main@bad", "closed": "main@closed", "opened": "main@opened"}
import os
import tempfile

from simlib import say, wait_for_tracer


def main():
    fd, path = tempfile.mkstemp()  # <opened>
    say(fd=fd)
    os.unlink(path)
    stream = open(fd, "w")
    os.close(fd)  # <closed>
    del stream  # <bad>


wait_for_tracer()
main()
