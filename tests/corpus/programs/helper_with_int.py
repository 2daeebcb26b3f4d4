# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""An object closes through helpers that get the number alone.

misleads: the innermost frame, which owns nothing
truth(right): none
truth(idle): double_close likely
truth(file): reused_close likely
truth(raw): reused_close likely
truth(bare): double_close proven
"""
import os

from proof import FORM, begin, fails, took


def open_number(path):
    return os.open(path, os.O_RDONLY)  # OPENED


def close_number(number):
    os.close(number)  # FIRST CULPRIT


class Wrapper:
    def __init__(self):
        self.fd = open_number("/dev/null")

    def close(self):
        close_number(self.fd)


def bare():
    number = open_number("/dev/null")
    close_number(number)  # first(bare)
    with fails():
        close_number(number)  # culprit(bare)


def objects():
    wrapper = Wrapper()
    wrapper.close()  # first(idle,file,raw)
    if FORM == "idle":
        with fails():
            wrapper.close()  # culprit(idle)
    elif FORM == "file":
        victim = took(open(__file__), wrapper.fd)  # VICTIM(file)
        wrapper.close()  # culprit(file)
        with fails():
            victim.close()
    elif FORM == "raw":
        victim = took(os.open("/dev/zero", os.O_RDONLY), wrapper.fd)  # VICTIM(raw)
        wrapper.close()  # culprit(raw)
        with fails():
            os.close(victim)


begin()
Wrapper().close()
bare() if FORM == "bare" else objects()
