# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A subclass's close() closes, and then calls that of its base, which closes, too.

misleads: two functions of one receiver
truth(idle): double_close proven
truth(file): reused_close proven
truth(exit): double_close proven
"""
import os

from proof import FORM, begin, fails, gone, took


class Base:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def close(self):
        os.close(self.fd)  # CULPRIT

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Derived(Base):
    victim = None

    def close(self):
        os.close(self.fd)  # FIRST
        if FORM == "file":
            self.victim = took(open(__file__), self.fd)  # VICTIM(file)
            super().close()
            return
        with fails():
            super().close()


begin()
derived = Derived()
if FORM == "exit":
    with derived:
        pass
else:
    derived.close()
if FORM == "file":
    gone(derived.fd)
    with fails():
        derived.victim.close()
