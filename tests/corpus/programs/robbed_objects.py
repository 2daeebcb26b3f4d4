# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""An object that was given a bare number closes it, and a file has it by then. Either somebody had
closed the number behind the object's back, or the object has been given the file's: its own close
looks the same.

misleads: the object whose method closes what another owns
truth(connection): reused_close open
truth(robbed): reused_close open
truth(given): owned_close open
truth(nothing_before): owned_close proven
truth(twice): reused_close likely
truth(address): owned_close open
"""
import multiprocessing
import os

from proof import FORM, begin, fails, took


def make():
    return os.open("/dev/null", os.O_RDONLY)  # OPENED(twice)


class Keeper:
    def __init__(self, fd):
        self.fd = fd

    def close(self):
        os.close(self.fd)  # FIRST(twice) CULPRIT(given,nothing_before,twice,address)


def thief(fd):
    os.close(fd)  # CULPRIT(connection,robbed)


def stranger():
    return open("/dev/zero")  # VICTIM(connection,robbed,twice) OPENED(given,nothing_before,address)


def close_both(keeper, file):
    keeper.close()
    with fails():
        file.close()


def connection():
    left, right = multiprocessing.Pipe()
    number = left.fileno()
    thief(number)
    close_both(left, took(stranger(), number))
    right.close()


def robbed():
    keeper = Keeper(make())
    thief(keeper.fd)
    close_both(keeper, took(stranger(), keeper.fd))


def given():
    fd = make()
    thief(fd)
    file = took(stranger(), fd)
    close_both(Keeper(file.fileno()), file)


def nothing_before():
    file = stranger()
    close_both(Keeper(file.fileno()), file)


def twice():
    """Nobody else had closed what it was given: it closes that twice."""
    keeper = Keeper(make())
    keeper.close()
    file = took(stranger(), keeper.fd)
    close_both(keeper, file)


def address():
    """Another keeper, at the address of one that has closed its own number rightly."""
    fd = make()
    Keeper(fd).close()
    file = took(stranger(), fd)
    close_both(Keeper(file.fileno()), file)


begin()
globals()[FORM]()
