# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What the simulators share.

Owns: the moment at which a simulator lets itself be traced, and its word on which numbers it
used. Never: opens or closes a descriptor (in the mode with a log: before the log begins).
"""
import os
import time

if os.environ.get("FDTRACE_SIM_FAULTLOG"):
    import ctypes  # libffi may open a file, and keep it
# Before anything is opened: a simulator may do so before it lets itself be traced.
if os.environ.get("FDTRACE_SIM_PAUSE"):
    time.sleep(float(os.environ["FDTRACE_SIM_PAUSE"]))


def wait_for_tracer():
    """Returns when the tracer is there: at once, unless the harness attaches one later."""
    if os.environ.get("FDTRACE_SIM_WAIT"):
        os.write(1, b"ready\n")
        os.read(0, 1)
    if os.environ.get("FDTRACE_SIM_FAULTLOG"):
        _log_closes(int(os.environ["FDTRACE_SIM_FAULTLOG"]))


def say(**numbers):
    """Tells the harness a number by name: the expectations refer to it."""
    for name, number in numbers.items():
        os.write(1, b"%s=%d\n" % (name.encode(), number))


def _log_closes(fd):
    """From here on, tests/e2e/preload.c logs each close with faulthandler's traceback."""
    import faulthandler
    import signal

    "".encode("unicode_escape")  # what the log is written in is loaded before it begins
    faulthandler.register(signal.SIGUSR2, file=fd, all_threads=False, chain=False)
    ctypes.CDLL(None).faultlog_enable(fd)
