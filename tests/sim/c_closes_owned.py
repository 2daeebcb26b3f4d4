# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# C code closes the number of a file object: there is no os.close() to advise against. An innocent
# file gets the number, and the object's own close takes it.
# @expect {"kind": "owned_close", "fd": "fd", "type": "file", "ownership": "on", "culprit": "bad",
#   "owner": "_io.FileIO", "bad": "helper@closed", "opened": "<module>@opened", "advice_not":
#   "os.close"}
# @expect {"kind": "reused_close", "fd": "fd", "ownership": "on", "culprit": "closed", "owner":
#   "_io.FileIO", "origin": {"bad": "close"}, "bad": "late@late", "closed": "helper@closed", "opened":
#   "<module>@opened", "victim": "<module>@victim", "advice_not": "os.close"}
# @expect {"kind": "use_after_close", "fd": "fd", "culprit": "unknown", "calls": {"bad": "read"},
#   "bad": "<module>@failed", "closed": "late@late", "opened": "<module>@victim", "advice_not":
#   "os.close"}
import ctypes
import os

from simlib import say, wait_for_tracer

libc = ctypes.CDLL(None)


def helper(number):
    libc.close(number)  # <closed>


def late(owner):
    owner.close()  # <late>


wait_for_tracer()
file = open(__file__, "rb", buffering=0)  # <opened>
say(fd=file.fileno())
helper(file.fileno())
other = os.open("/dev/zero", os.O_RDONLY)  # <victim>
assert other == file.fileno()
late(file)
try:
    os.read(other, 1)  # <failed>
except OSError:
    pass
