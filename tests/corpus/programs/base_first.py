# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A base class's method opens, first seen with one subclass, and then used by another.

misleads: the type at first sight
truth(right): none
truth(first): double_close proven
truth(second): double_close likely
truth(robs): reused_close likely
"""
import os

from proof import FORM, begin, fails, took


class Base:
    def acquire(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED VICTIM(robs)
        return self


class A(Base):
    def close(self):
        os.close(self.fd)  # FIRST(first) CULPRIT(first)


class B(Base):
    def close(self):
        os.close(self.fd)  # FIRST(second,robs) CULPRIT(second,robs)


begin()
for kind in (A, B, A, B):
    kind().acquire().close()
a, b = A().acquire(), B().acquire()
if FORM == "first":
    b.close()
    a.close()  # first(first)
    with fails():
        a.close()  # culprit(first)
elif FORM == "second":
    a.close()
    b.close()  # first(second)
    with fails():
        b.close()  # culprit(second)
elif FORM == "robs":
    b.close()  # first(robs)
    victim = A().acquire()
    took(victim.fd, b.fd)
    b.close()  # culprit(robs)
    with fails():
        victim.close()
    a.close()
else:
    a.close()
    b.close()
