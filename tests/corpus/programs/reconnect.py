# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One long-lived object opens a number, closes it, and opens again; strangers have it between.

misleads: a receiver with many generations of one number
truth(right): none
truth(idle): double_close proven
truth(file): reused_close proven
truth(raw): reused_close likely
truth(many): double_close likely
truth(old): reused_close likely
"""
import os

from proof import FORM, begin, fails, gone, took


class Service:
    def connect(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED VICTIM(old)

    def close(self):
        os.close(self.fd)  # FIRST CULPRIT(idle,file,raw,many)

    def retry(self):
        old = self.fd
        self.close()  # first(old)
        self.connect()
        took(self.fd, old)
        os.close(old)  # CULPRIT(old)
        with fails():
            self.close()


def stranger():
    number = os.open("/dev/zero", os.O_RDONLY)  # VICTIM(raw)
    return number


begin()
service = Service()
for _ in range(3):
    service.connect()
    service.close()
    os.close(stranger())
service.connect()
if FORM == "old":
    service.retry()
else:
    service.close()  # first(idle,file,raw,many)
if FORM == "idle":
    with fails():
        service.close()  # culprit(idle)
elif FORM == "many":
    for _ in range(60):
        os.close(took(stranger(), service.fd))
    with fails():
        service.close()  # culprit(many)
elif FORM == "file":
    victim = took(open(__file__), service.fd)  # VICTIM(file)
    service.close()  # culprit(file)
    with fails():
        victim.close()
elif FORM == "raw":
    victim = took(stranger(), service.fd)
    service.close()  # culprit(raw)
    gone(victim)
    with fails():
        os.close(victim)
