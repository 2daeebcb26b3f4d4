# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A theft that leads to a theft: the first is the one to blame.

misleads: a thief that was robbed
truth(two): reused_close likely
truth(files): owned_close proven
truth(circle): reused_close likely
"""
import os

from proof import FORM, begin, fails, took


class First:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(two,circle)

    def close(self):
        os.close(self.fd)  # FIRST(two,circle) CULPRIT(two,circle)


class Second:
    """Closes once; its number was taken before, and is another's when it does so."""

    def __init__(self):
        self.fd = os.open("/dev/zero", os.O_RDONLY)  # VICTIM(two,circle)

    def close(self):
        os.close(self.fd)


class Third(Second):
    pass


def two():
    first = First()
    first.close()  # first(two)
    second = Second()
    took(second.fd, first.fd)
    first.close()  # culprit(two)
    third = Third()
    took(third.fd, first.fd)
    second.close()
    with fails():
        third.close()


def circle():
    first = First()
    first.close()  # first(circle)
    for _ in range(6):
        victim = Second()
        took(victim.fd, first.fd)
        first.close()  # culprit(circle)
        with fails():
            victim.close()


def make_file():
    return open("/dev/null")  # OPENED(files)


def thief(file):
    os.close(file.fileno())  # CULPRIT(files)


def files():
    file = make_file()
    thief(file)
    second = took(open("/dev/zero"), file.fileno())  # VICTIM(files)
    file.close()
    third = took(open(__file__), second.fileno())
    second.close()
    with fails():
        third.close()


begin()
globals()[FORM]()
