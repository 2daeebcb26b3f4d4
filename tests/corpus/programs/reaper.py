# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One object, a loop or a pool closes what others opened: that it has closed a number before says
nothing.

misleads: a receiver that closed the number before
truth(right): none
truth(twice): double_close likely
truth(steals): reused_close open
truth(file): reused_close likely
truth(pool): double_close likely
"""
import os
from concurrent.futures import ThreadPoolExecutor

from proof import FORM, begin, fails, took


class Reaper:
    def reap(self, number):
        os.close(number)  # FIRST CULPRIT


def make_a():
    return os.open("/dev/null", os.O_RDONLY)  # OPENED


def make_b():
    return os.open("/dev/zero", os.O_RDONLY)  # VICTIM(steals)


def right(reaper):
    for make in (make_a, make_b) * 4:
        reaper.reap(make())


def twice(reaper):
    right(reaper)
    a = make_a()
    reaper.reap(a)  # first(twice)
    with fails():
        reaper.reap(a)  # culprit(twice)


def steals(reaper):
    a = make_a()
    reaper.reap(a)  # first(steals)
    b = took(make_b(), a)
    reaper.reap(a)  # culprit(steals)
    with fails():
        reaper.reap(b)


def steals_file(reaper):
    a = make_a()
    reaper.reap(a)  # first(file)
    with open(__file__) as victim:  # VICTIM(file)
        took(victim, a)
        reaper.reap(a)  # culprit(file)
        with fails():
            victim.close()


def pool(reaper):
    a = make_a()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(reaper.reap, a).result()
        with fails():
            executor.submit(reaper.reap, a).result()


begin()
{"right": right, "twice": twice, "steals": steals, "file": steals_file, "pool": pool}[FORM](Reaper())
