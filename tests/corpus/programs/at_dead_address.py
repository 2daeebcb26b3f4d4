# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""An object of another class lies where a dead one lay, and adopts the number that it had: its closes
are its own, and closed twice they are its own fault.

misleads: the receiver's address alone
truth(right): none
truth(twice): double_close open
truth(file): reused_close open
"""
import os

from proof import FORM, begin, fails, gone, took


class Upload:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)

    def close(self):
        os.close(self.fd)


class Keeper:
    def __init__(self, fd):
        self.fd = fd

    def close(self):
        os.close(self.fd)  # FIRST CULPRIT


def make():
    return os.open("/dev/zero", os.O_RDONLY)  # OPENED


def dead():
    upload = Upload()
    upload.close()
    return id(upload), upload.fd


def main():
    for _ in range(1000):
        where, number = dead()
        fd = took(make(), number)
        keeper = Keeper(fd)
        keeper.close()  # first
        if id(keeper) == where:
            return keeper
        del keeper
    raise SystemExit("no object came to lie there")


begin()
keeper = main()
if FORM == "twice":
    with fails():
        keeper.close()  # culprit(twice)
elif FORM == "file":
    victim = took(open(__file__), keeper.fd)  # VICTIM(file)
    keeper.close()  # culprit(file)
    gone(keeper.fd)
    with fails():
        victim.close()
