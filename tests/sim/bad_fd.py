# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Numbers that never were descriptors.
# @expect {"kind": "bad_fd", "severity": "info", "fd": "minus", "bad": "<module>@minus"}
# @expect {"kind": "bad_fd", "severity": "info", "fd": "huge", "bad": "<module>@huge"}
import os

from simlib import say, wait_for_tracer

wait_for_tracer()
say(minus=-1, huge=987654)
try:
    os.close(-1)  # <minus>
except OSError:
    pass
try:
    os.close(987654)  # <huge>
except OSError:
    pass
