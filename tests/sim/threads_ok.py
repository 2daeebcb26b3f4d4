# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: eight threads open and close at once and hand numbers to one another.
import os
import queue
import threading

from simlib import wait_for_tracer

numbers = queue.Queue()


def open_some():
    for _ in range(300):
        os.close(os.open("/dev/null", os.O_RDONLY))
        numbers.put(os.dup(1))


def close_some():
    for _ in range(300):
        os.close(numbers.get())


wait_for_tracer()
threads = [threading.Thread(target=target) for target in [open_some, close_some] * 4]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
