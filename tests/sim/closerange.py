# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A daemon's first act: os.closerange. A loop of closes up to 3.9, one close_range after.
# @expect {"kind": "close_sweep", "severity": "info", "calls": {"bad": "close"}, "bad":
#   "<module>@sweep", "max": "3.9", "count": "any"}
import os

from simlib import wait_for_tracer

wait_for_tracer()
os.closerange(30, 256)  # <sweep>
