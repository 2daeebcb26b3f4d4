# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One method opens and closes; two objects of the class have the number one after the other.

misleads: one function that opens and closes
truth(right): none
truth(idle): double_close proven
truth(steals): reused_close likely
"""
import os

from proof import FORM, begin, fails, took


class Toggle:
    number = None

    def toggle(self, stale=False):
        if self.number is None:
            self.number = os.open("/dev/null", os.O_RDONLY)  # OPENED VICTIM(steals)
        elif stale:
            os.close(self.number)  # CULPRIT
        else:
            os.close(self.number)  # FIRST


begin()
a, b = Toggle(), Toggle()
a.toggle()
a.toggle()  # first
if FORM == "idle":
    with fails():
        a.toggle(stale=True)  # culprit(idle)
else:
    b.toggle()
    took(b.number, a.number)
    if FORM == "steals":
        a.toggle(stale=True)  # culprit(steals)
        with fails():
            b.toggle()
    else:
        b.toggle()
