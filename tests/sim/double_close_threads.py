# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Two threads close one number, one after the other; a third one opened it. The number is high:
# the end of the first thread loads libgcc_s (up to 3.8), which would use a low one again.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "threads": "different", "bad":
#   "second@bad", "closed": "first@closed", "opened": "<module>@opened"}
import fcntl
import os
import threading

from simlib import say, wait_for_tracer


def first(fd):
    os.close(fd)  # <closed>


def second(fd):
    try:
        os.close(fd)  # <bad>
    except OSError:
        pass


wait_for_tracer()
number = fcntl.fcntl(os.open("/dev/null", os.O_RDONLY), fcntl.F_DUPFD, 50)  # <opened>
say(fd=number)
for target in (first, second):
    thread = threading.Thread(target=target, args=(number,))
    thread.start()
    thread.join()
