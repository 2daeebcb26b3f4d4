# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One object, several threads: who closes twice is not who was first.

truth(shared): double_close proven
truth(executor): double_close proven
truth(executor_file): reused_close proven
truth(join): double_close proven
truth(timer): double_close proven
"""
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from proof import FORM, begin, took

refused = []


class Upload:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def release(self):
        try:
            os.close(self.fd)  # FIRST CULPRIT
        except OSError:
            refused.append(self.fd)


def in_thread(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


def shared(upload):
    in_thread(upload.release)
    in_thread(upload.release)


def executor(upload):
    with ThreadPoolExecutor(2) as pool:
        pool.submit(upload.release).result()
        victim = None
        if FORM == "executor_file":
            victim = took(pool.submit(open, __file__).result(), upload.fd)  # VICTIM(none)
        pool.submit(upload.release).result()
        if victim:
            try:
                victim.close()
            except OSError:
                refused.append("victim")


def join(upload):
    thread = threading.Thread(target=upload.release)
    thread.start()
    thread.join()
    upload.release()


def timer(upload):
    late = threading.Timer(0.05, upload.release)
    upload.release()
    late.start()
    late.join()


begin()
upload = Upload()
{"shared": shared, "join": join, "timer": timer}.get(FORM, executor)(upload)
assert len(refused) == 1
