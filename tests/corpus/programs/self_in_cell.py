# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""self is captured by an inner function: the first local is a cell, new at each call.

misleads: no receiver: a cell
truth(right): none
truth(idle): double_close likely
truth(file): reused_close likely
truth(raw): reused_close open
"""
import os

from proof import FORM, begin, fails, took


class Captured:
    def __init__(self):
        self.callback = lambda: self.fd
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def close(self):
        number = (lambda: self.fd)
        os.close(number())  # FIRST CULPRIT


begin()
Captured().close()
captured = Captured()
captured.close()  # first
if FORM == "idle":
    with fails():
        captured.close()  # culprit(idle)
elif FORM == "file":
    victim = took(open(__file__), captured.fd)  # VICTIM(file)
    captured.close()  # culprit(file)
    with fails():
        victim.close()
elif FORM == "raw":
    victim = took(os.open("/dev/zero", os.O_RDONLY), captured.fd)  # VICTIM(raw)
    captured.close()  # culprit(raw)
    with fails():
        os.close(victim)
