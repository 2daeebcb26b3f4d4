# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A class opens its number or adopts one. Objects come to lie at one address, and get one number.

misleads: the receiver, of a class that opens or adopts
truth(right): none
truth(factory): double_close open
truth(adopter): double_close likely
truth(opener): double_close proven
"""
import os

from proof import FORM, begin, fails, gone


class Both:
    def __init__(self, fd=None):
        self.fd = os.open("/dev/null", os.O_RDONLY) if fd is None else fd  # OPENED(opener)

    def close(self):
        os.close(self.fd)  # FIRST CULPRIT(adopter,opener)


def factory():
    return os.open("/dev/zero", os.O_RDONLY)  # OPENED(factory,adopter)


def close_again(fd):
    os.close(fd)  # CULPRIT(factory)


def opener():
    both = Both()
    both.close()  # first(opener)
    return both


def adopter():
    fd = factory()
    both = Both(fd)
    both.close()  # first(factory,adopter)
    return both


begin()
for _ in range(3):
    opener()
    adopter()
if FORM == "opener":
    both = opener()
    with fails():
        both.close()  # culprit(opener)
elif FORM == "adopter":
    both = adopter()
    with fails():
        both.close()  # culprit(adopter)
elif FORM == "factory":
    both = adopter()
    gone(both.fd)
    with fails():
        close_again(both.fd)  # culprit(factory)
