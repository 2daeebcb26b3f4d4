# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One object hands its number to another, which closes it. If the giver closes it later, it is the
giver's fault.

misleads: the receiver that opened, where another closes rightly
truth(right): none
truth(idle): double_close open
truth(file): reused_close open
truth(raw): reused_close open
"""
import os

from proof import FORM, begin, fails, took


class Source:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def shut(self):
        os.close(self.fd)  # CULPRIT


class Sink:
    def __init__(self, fd):
        self.fd = fd

    def close(self):
        os.close(self.fd)  # FIRST


begin()
for _ in range(3):
    Sink(Source().fd).close()
source = Source()
Sink(source.fd).close()  # first
if FORM == "idle":
    with fails():
        source.shut()  # culprit(idle)
elif FORM == "file":
    victim = took(open(__file__), source.fd)  # VICTIM(file)
    source.shut()  # culprit(file)
    with fails():
        victim.close()
elif FORM == "raw":
    victim = took(os.open("/dev/zero", os.O_RDONLY), source.fd)  # VICTIM(raw)
    source.shut()  # culprit(raw)
    with fails():
        os.close(victim)
