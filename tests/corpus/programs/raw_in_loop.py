# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Bare numbers, opened and closed in one loop of one function: a theft looks like a right close.

misleads: one function for all, and no object
truth(right): none
truth(steals): reused_close open
truth(twice): double_close likely
"""
import os

from proof import FORM, begin

refused = []


def main(plan):
    numbers = {}
    for name, what in plan:
        if what == "open":
            numbers[name] = os.open("/dev/null", os.O_RDONLY)  # OPENED VICTIM(steals)
            continue
        try:
            os.close(numbers[name])  # FIRST CULPRIT
        except OSError:
            refused.append(name)
    return numbers


PLANS = {"right": "ao ac bo bc ao ac", "steals": "ao ac bo ac bc", "twice": "ao ac bo bc bc"}
begin()
main([(step[0], {"o": "open", "c": "close"}[step[1]]) for step in PLANS[FORM].split()])
assert refused == ([] if FORM == "right" else ["b"])
