# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The object lives until the interpreter shuts down: its finalizer's close has no frame at all.
# @expect {"kind": "owned_close", "fd": "fd", "ownership": "on", "culprit": "bad", "bad":
#   "<module>@closed", "opened": "<module>@opened"}
# @expect {"kind": "double_close", "fd": "fd", "culprit": "closed", "origin": {"bad": "finalizer"},
#   "bad": "", "status": {"bad": "no_frames"}, "closed": "<module>@closed", "opened": "<module>@opened"}
import os

from simlib import say, wait_for_tracer

wait_for_tracer()
fp = open(__file__)  # <opened>
say(fd=fp.fileno())
os.close(fp.fileno())  # <closed>
