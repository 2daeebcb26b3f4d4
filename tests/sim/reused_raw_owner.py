# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A bare number is closed twice by one thread; another thread's file object has it by then. The
# object lives, and did not make that close.
# @expect {"kind": "reused_close", "fd": "fd", "culprit": "bad", "ownership": "on", "origin": {"bad":
#   "os.close"}, "bad": "guilty@bad", "closed": "guilty@closed", "opened": "guilty@opened", "victim":
#   "innocent@victim", "advice": "forget the number"}
# @expect {"kind": "double_close", "fd": "fd", "culprit": "closed", "ownership": "on", 
#   "bad": "innocent@failed", "closed": "guilty@bad", "opened": "innocent@victim"}
# @expect {"kind": "reused_close", "certainty": "suspected", "fd": "fd", "culprit": "bad",
#   "ownership": "off", "bad": "guilty@bad", "closed": "guilty@closed", "opened": "guilty@opened",
#   "victim": "innocent@victim", "failed": "innocent@failed"}
import os
import threading

from simlib import say, wait_for_tracer

closed, opened, taken, failed = (threading.Event() for _ in range(4))


def guilty():
    fd = os.open("/dev/null", os.O_RDONLY)  # <opened>
    say(fd=fd)
    os.close(fd)  # <closed>
    closed.set()
    opened.wait()
    os.close(fd)  # <bad>
    taken.set()
    failed.wait()  # the end of a thread loads libgcc_s (up to 3.8), at the lowest number


def innocent():
    closed.wait()
    fp = open(os.__file__)  # <victim>
    opened.set()
    taken.wait()
    try:
        fp.close()  # <failed>
    except OSError:
        pass
    failed.set()


wait_for_tracer()
threads = [threading.Thread(target=target) for target in (guilty, innocent)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
