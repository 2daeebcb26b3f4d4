# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Bare numbers, which no object has: one thread closes twice, and its second close takes what another
# thread has opened meanwhile, where the error turns up. Sites and threads speak against the first
# one; a proof that is not. The numbers are high: the end of a thread loads libgcc_s (up to 3.8).
# @expect {"kind": "reused_close", "certainty": "suspected", "fd": "fd", "culprit": "bad",
#   "ownership": "on", "bad": "guilty@bad", "closed": "guilty@closed", "opened": "guilty@opened",
#   "victim": "innocent@victim", "failed": "innocent@failed"}
# @expect {"kind": "reused_close", "certainty": "suspected", "fd": "fd", "culprit": "bad",
#   "ownership": "off", "bad": "guilty@bad", "closed": "guilty@closed", "opened": "guilty@opened",
#   "victim": "innocent@victim", "failed": "innocent@failed"}
import fcntl
import os
import threading

from simlib import say, wait_for_tracer

closed, opened, taken = (threading.Event() for _ in range(3))
null = os.open("/dev/null", os.O_RDONLY)


def guilty():
    fd = fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, 50)  # <opened>
    say(fd=fd)
    os.close(fd)  # <closed>
    closed.set()
    opened.wait()
    os.close(fd)  # <bad>
    taken.set()


def innocent():
    closed.wait()
    left, right = os.pipe()
    fd = left
    os.dup2(left, 50)  # <victim>
    opened.set()
    taken.wait()
    try:
        os.close(50)  # <failed>
    except OSError:
        pass
    os.close(fd)
    os.close(right)


wait_for_tracer()
threads = [threading.Thread(target=target) for target in (guilty, innocent)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
