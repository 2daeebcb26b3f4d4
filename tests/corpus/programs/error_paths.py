# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The second close stands where an error is handled.

truth(finally): double_close proven
truth(except): double_close proven
truth(except_file): reused_close proven
truth(init): double_close likely
truth(retry): double_close proven
truth(cleanup): double_close likely
"""
import os

from proof import FORM, begin, fails, took


def in_finally():
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(finally)
    try:
        os.close(fd)  # FIRST(finally)
    finally:
        with fails():
            os.close(fd)  # CULPRIT(finally)


def in_except():
    fd, victim = os.open("/dev/null", os.O_RDONLY), None  # OPENED(except,except_file)
    try:
        os.close(fd)  # FIRST(except,except_file)
        if FORM == "except_file":
            victim = took(open(__file__), fd)  # VICTIM(except_file)
        raise ValueError
    except ValueError:
        if not victim:
            with fails():
                os.close(fd)  # CULPRIT(except)
            return
        os.close(fd)  # CULPRIT(except_file)
    with fails():
        victim.close()


class Half:
    """Its __init__ gives back what it has, and fails; who asked for it gives it back, too."""

    def __init__(self, fd):
        os.close(fd)  # FIRST(init)
        raise ValueError


def init():
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(init)
    try:
        Half(fd)
    except ValueError:
        with fails():
            os.close(fd)  # CULPRIT(init)


def retry():
    """Closes again, as if the first close had been interrupted."""
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(retry)
    for attempt in range(2):
        try:
            os.close(fd)  # FIRST(retry) CULPRIT(retry)
        except OSError:
            assert attempt == 1


def undo(number):
    with fails():
        os.close(number)  # CULPRIT(cleanup)


def cleanup():
    undone = []
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(cleanup)
    undone.append((undo, fd))
    os.close(fd)  # FIRST(cleanup)
    for function, number in undone:
        function(number)


begin()
{"finally": in_finally, "except": in_except, "except_file": in_except}.get(FORM, globals().get(FORM))()
