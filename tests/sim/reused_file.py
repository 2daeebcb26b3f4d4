# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The number is closed under a file object, another file gets it, and the first object's finalizer
# closes that, without an error. The error strikes the second file's own close.
# @expect {"kind": "owned_close", "fd": "fd", "ownership": "on", "culprit": "bad", "owner":
#   "_io.FileIO", "origin": {"bad": "os.close"}, "bad": "main@closed", "opened": "main@opened"}
# @expect {"kind": "reused_close", "fd": "fd", "ownership": "on", "culprit": "closed", "owner":
#   "_io.FileIO", "origin": {"bad": "finalizer", "closed": "os.close"}, "bad":
#   "main@bad", "closed": "main@closed", "opened": "main@opened", "victim": "victim@victim <
#   main@open_victim", "advice": "closefd=False"}
# @expect {"kind": "double_close", "fd": "fd", "culprit": "unknown", "origin":
#   {"bad": "close"}, "bad": "main@failed", "closed": "main@bad", "opened": "victim@victim"}
import os

from simlib import say, wait_for_tracer


def victim():
    return open(os.__file__)  # <victim>


def main():
    fp = open(__file__)  # <opened>
    say(fd=fp.fileno())
    os.close(fp.fileno())  # <closed>
    other = victim()  # <open_victim>
    assert other.fileno() == fp.fileno()
    del fp  # <bad>
    try:
        other.close()  # <failed>
    except OSError:
        pass


wait_for_tracer()
main()
