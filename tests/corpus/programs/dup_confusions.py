# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Copies of a number, mistaken for each other.

truth(original): double_close proven
truth(copy): double_close proven
truth(dup2_over): reused_close likely
truth(dup2_over_file): owned_close proven
truth(adopted_copy): double_close proven
"""
import os

from proof import FORM, begin, fails, took


def original():
    """Closes the first number twice, instead of the copy."""
    first = os.open("/dev/null", os.O_RDONLY)  # OPENED(original)
    copy = os.dup(first)
    os.close(first)  # FIRST(original)
    with fails():
        os.close(first)  # CULPRIT(original)
    os.close(copy)


def copy():
    first = os.open("/dev/null", os.O_RDONLY)
    second = os.dup(first)  # OPENED(copy)
    os.close(second)  # FIRST(copy)
    with fails():
        os.close(second)  # CULPRIT(copy)
    os.close(first)


def stranger():
    return os.open("/dev/zero", os.O_RDONLY)  # VICTIM(dup2_over)


def dup2_over():
    mine = os.open("/dev/null", os.O_RDONLY)  # OPENED(dup2_over)
    os.close(mine)  # FIRST(dup2_over)
    victim = took(stranger(), mine)
    os.dup2(0, mine)  # CULPRIT(dup2_over)
    os.close(victim)


def make_file():
    return open("/dev/zero")  # OPENED(dup2_over_file)


def dup2_over_file():
    owner = make_file()
    os.dup2(0, owner.fileno())  # CULPRIT(dup2_over_file)
    owner.close()


def adopted_copy():
    """The file gets the number, and not a copy of it."""
    number = os.open("/dev/null", os.O_RDONLY)  # OPENED(adopted_copy)
    with os.fdopen(number):
        pass  # FIRST(adopted_copy)
    with fails():
        os.close(number)  # CULPRIT(adopted_copy)


begin()
globals()[FORM]()
