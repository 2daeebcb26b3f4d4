# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Two threads close one number, one after the other; a third one opened it.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "threads": "different", "bad":
#   "second@bad", "closed": "first@closed", "opened": "<module>@opened"}
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
number = os.open("/dev/null", os.O_RDONLY)  # <opened>
say(fd=number)
for target in (first, second):
    thread = threading.Thread(target=target, args=(number,))
    thread.start()
    thread.join()
