# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A raw number is stolen from a raw number: A opens and closes, B opens, A closes again, B's own
close fails. B did nothing wrong.

misleads: the last close that failed
truth(objects): reused_close likely
truth(functions): reused_close open
truth(activation): reused_close proven
truth(shared): reused_close open
truth(never): reused_close likely
"""
import os

from proof import FORM, begin, fails, gone, took


class A:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(objects,never)

    def close(self):
        os.close(self.fd)  # FIRST(objects,never) CULPRIT(objects,never)


class B:
    def __init__(self):
        self.fd = os.open("/dev/zero", os.O_RDONLY)  # VICTIM(objects,never)

    def close(self):
        os.close(self.fd)


def objects():
    a = A()
    a.close()  # first(objects,never)
    b = B()
    took(b.fd, a.fd)
    a.close()  # culprit(objects,never)
    gone(b.fd)
    if FORM == "objects":
        with fails():
            b.close()


def a_opens():
    return os.open("/dev/null", os.O_RDONLY)  # OPENED(functions,shared)


def b_opens():
    return os.open("/dev/zero", os.O_RDONLY)  # VICTIM(functions,activation,shared)


def a_closes(number):
    os.close(number)  # FIRST(functions) CULPRIT(functions)


def b_closes(number):
    os.close(number)


def functions():
    a = a_opens()
    a_closes(a)  # first(functions)
    b = took(b_opens(), a)
    a_closes(a)  # culprit(functions)
    with fails():
        b_closes(b)


def both_close(number):
    os.close(number)  # FIRST(shared) CULPRIT(shared)


def shared():
    a = a_opens()
    both_close(a)  # first(shared)
    b = took(b_opens(), a)
    both_close(a)  # culprit(shared)
    with fails():
        both_close(b)


def activation():
    a = os.open("/dev/null", os.O_RDONLY)  # OPENED(activation)
    os.close(a)  # FIRST(activation)
    b = took(b_opens(), a)
    os.close(a)  # CULPRIT(activation)
    with fails():
        b_closes(b)


begin()
{"never": objects}.get(FORM, globals().get(FORM))()
