# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A stale number is used, not closed; an innocent file had it between.

misleads: the last generation
truth(read): use_after_close likely
truth(object): use_after_close proven
truth(idle): use_after_close proven
truth(epoll): use_after_close likely
"""
import os
import select

from proof import FORM, begin, fails, gone


class Reader:
    def __init__(self):
        self.r, self.w = os.pipe()  # OPENED

    def close(self):
        os.close(self.r)  # FIRST

    def read(self):
        with fails():
            os.read(self.r, 1)  # CULPRIT(object,idle)


def innocent():
    with open(__file__):
        pass


def use(number):
    with fails():
        os.read(number, 1)  # CULPRIT(read)


def register(poller, number):
    with fails():
        poller.register(number)  # CULPRIT(epoll)


begin()
poller = select.epoll()
reader = Reader()
reader.close()  # first
if FORM != "idle":
    innocent()
gone(reader.r)
if FORM == "read":
    use(reader.r)
elif FORM == "epoll":
    register(poller, reader.r)
else:
    reader.read()  # culprit(object,idle)
