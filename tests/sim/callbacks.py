# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The second close comes from a signal handler, a weakref callback, and at exit.
# @expect {"kind": "double_close", "fd": "signal", "bad": "on_signal@bad1 < <module>@raise",
#   "closed": "<module>@closed1"}
# @expect {"kind": "double_close", "fd": "weak", "bad": "on_death@bad2 < <module>@death",
#   "closed": "<module>@closed2"}
# @expect {"kind": "double_close", "fd": "exit", "bad": "on_exit@bad3", "closed":
#   "<module>@closed3"}
import atexit
import os
import signal
import weakref

from simlib import say, wait_for_tracer

numbers = {}


class Thing:
    pass


def on_signal(*_):
    try:
        os.close(numbers["signal"])  # <bad1>
    except OSError:
        pass


def on_death(_):
    try:
        os.close(numbers["weak"])  # <bad2>
    except OSError:
        pass


def on_exit():
    try:
        os.close(numbers["exit"])  # <bad3>
    except OSError:
        pass


wait_for_tracer()
for name in ("signal", "weak", "exit"):
    numbers[name] = os.open("/dev/null", os.O_RDONLY)
say(**numbers)
signal.signal(signal.SIGUSR1, on_signal)
os.close(numbers["signal"])  # <closed1>
os.kill(os.getpid(), signal.SIGUSR1)  # <raise>
thing = Thing()
reference = weakref.ref(thing, on_death)
os.close(numbers["weak"])  # <closed2>
del thing  # <death>
atexit.register(on_exit)
os.close(numbers["exit"])  # <closed3>
