# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One object opens and closes many numbers.

misleads: a receiver with many generations of one number
truth(right): none
truth(idle): double_close proven
truth(stranger): reused_close likely
truth(file): reused_close proven
truth(own): reused_close likely
truth(reset): reused_close likely
truth(all): double_close proven
"""
import os

from proof import FORM, begin, fails, gone, took


class Manager:
    def __init__(self):
        self.fds = {}

    def open(self, key):
        self.fds[key] = os.open("/dev/null", os.O_RDONLY)  # OPENED VICTIM(own,reset)
        return self.fds[key]

    def close(self, key):
        os.close(self.fds[key])  # FIRST CULPRIT(idle,stranger,file,own,all)

    def reset(self, old):
        os.close(old)  # CULPRIT(reset)

    def close_all(self):
        for key in self.fds:
            self.close(key)  # first(all)


def stranger():
    return os.open("/dev/zero", os.O_RDONLY)  # VICTIM(stranger)


def idle(manager):
    manager.close("a")  # first(idle)
    with fails():
        manager.close("a")  # culprit(idle)


def robs_stranger(manager):
    manager.close("a")  # first(stranger)
    victim = took(stranger(), manager.fds["a"])
    manager.close("a")  # culprit(stranger)
    with fails():
        os.close(victim)


def robs_file(manager):
    manager.close("a")  # first(file)
    with open(__file__) as victim:  # VICTIM(file)
        took(victim, manager.fds["a"])
        manager.close("a")  # culprit(file)
        with fails():
            victim.close()


def robs_itself(manager):
    manager.close("a")  # first(own)
    took(manager.open("c"), manager.fds["a"])
    manager.close("a")  # culprit(own)
    with fails():
        manager.close("c")


def reset(manager):
    old = manager.fds["a"]
    manager.close("a")  # first(reset)
    took(manager.open("c"), old)
    manager.reset(old)
    with fails():
        manager.close("c")


def all_again(manager):
    manager.close_all()
    for key in manager.fds:
        with fails():
            manager.close(key)  # culprit(all)


def right(manager):
    for key in ("c", "d", "e"):
        manager.open(key)
    manager.close("a")
    manager.open("a")
    manager.close_all()


begin()
manager = Manager()
manager.open("a")
manager.open("b")
{"idle": idle, "stranger": robs_stranger, "file": robs_file, "own": robs_itself, "reset": reset,
 "all": all_again, "right": right}[FORM](manager)
