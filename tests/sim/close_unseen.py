# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The first close came before the tracer, where there is one that comes late.
# @expect {"kind": "double_close_unseen", "certainty": "fact", "fd": "fd", "bad":
#   "<module>@bad", "missing": ["closed"], "modes": ["attached"]}
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad": "<module>@bad", "closed":
#   "<module>@closed", "opened": "<module>@opened", "modes": ["started"]}
import os

from simlib import say, wait_for_tracer

number = os.open("/dev/null", os.O_RDONLY)  # <opened>
os.close(number)  # <closed>
wait_for_tracer()
say(fd=number)
try:
    os.close(number)  # <bad>
except OSError:
    pass
