# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A worker thread closes what its task was lent; the main thread closes it again.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "threads": "different", "bad":
#   "<module>@bad", "closed": "task@closed", "opened": "<module>@opened"}
import concurrent.futures
import os

from simlib import say, wait_for_tracer


def task(fd):
    os.read(fd, 1)
    os.close(fd)  # <closed>


wait_for_tracer()
with concurrent.futures.ThreadPoolExecutor(1) as pool:
    pool.submit(int).result()
    number = os.open("/dev/null", os.O_RDONLY)  # <opened>
    say(fd=number)
    pool.submit(task, number).result()
    try:
        os.close(number)  # <bad>
    except OSError:
        pass
