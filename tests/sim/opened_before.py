# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The open came before the tracer, where there is one that comes late; both closes after.
# @expect {"kind": "double_close", "type": "file", "path": "/dev/null", "fd": "fd", "bad":
#   "<module>@bad", "closed": "<module>@closed", "missing": ["opened"], "modes": ["attached"]}
# @expect {"kind": "double_close", "type": "file", "path": "/dev/null", "fd": "fd", "bad":
#   "<module>@bad", "closed": "<module>@closed", "opened": "<module>@opened", "modes":
#   ["started"]}
import os

from simlib import say, wait_for_tracer

number = os.open("/dev/null", os.O_RDONLY)  # <opened>
wait_for_tracer()
say(fd=number)
os.close(number)  # <closed>
try:
    os.close(number)  # <bad>
except OSError:
    pass
