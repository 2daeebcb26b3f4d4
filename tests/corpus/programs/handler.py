# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A request's handler opens and closes inline, entered from one line each time; now and then one
closes the number that the request before had.

misleads: an activation at the address of the one before
truth(right): none
truth(steals): reused_close open
truth(file): reused_close open
truth(twice): double_close likely
"""
import os

from proof import FORM, begin, fails, gone, took

numbers = []


def handle(request):
    """Closes the stale number of the request before where it is told to."""
    if request == "steals":
        mine = os.open("/dev/null", os.O_RDONLY)  # VICTIM(steals)
        took(mine, numbers[-1])
        os.close(numbers[-1])  # CULPRIT(steals)
        with fails():
            os.close(mine)
    elif request == "file":
        with open(__file__) as mine:  # VICTIM(file)
            took(mine, numbers[-1])
            os.close(numbers[-1])  # CULPRIT(file)
            with fails():
                mine.close()
    elif request == "twice":
        gone(numbers[-1])
        with fails():
            os.close(numbers[-1])  # CULPRIT(twice)
    else:
        mine = os.open("/dev/null", os.O_RDONLY)  # OPENED
        numbers.append(mine)
        os.close(mine)  # FIRST


begin()
for request in ["right", "right", "right", FORM]:
    handle(request)
