# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A factory's function closes only where there is a bug: that it has closed its own numbers before
was the bug, too.

misleads: a pair of functions that was learned from thefts
truth(once): double_close open
truth(often): double_close open
truth(file): reused_close open
"""
import os

from proof import FORM, begin, fails, took


class Connection:
    def __init__(self, fd):
        self.fd = fd

    def close(self):
        os.close(self.fd)  # FIRST


class Factory:
    def make(self):
        self.last = os.open("/dev/null", os.O_RDONLY)  # OPENED
        return Connection(self.last)

    def abort(self):
        os.close(self.last)  # CULPRIT


begin()
factory = Factory()
for _ in range(3 if FORM == "often" else 1):
    connection = factory.make()
    connection.close()  # first
    if FORM == "file":
        victim = took(open(__file__), factory.last)  # VICTIM(file)
        factory.abort()  # culprit(file)
        with fails():
            victim.close()
    else:
        with fails():
            factory.abort()  # culprit(once,often)
