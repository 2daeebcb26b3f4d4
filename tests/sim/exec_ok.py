# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: a number that survives exec is closed once, by the new program; one that does not
# survive is opened anew there.
import os
import sys

from simlib import wait_for_tracer

wait_for_tracer()
kept = os.open("/dev/null", os.O_RDONLY)
os.open("/dev/null", os.O_RDONLY)
os.set_inheritable(kept, True)
code = "import os; os.close(%d); os.close(os.open('/dev/null', os.O_RDONLY))" % kept
os.execv(sys.executable, [sys.executable, "-S", "-c", code])
