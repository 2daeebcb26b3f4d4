# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""`with` a generator that opens, and closes at its end; the body closes, too.

misleads: the activation of a generator that outlives its opener
truth(right): none
truth(idle): double_close open
truth(file): reused_close open
truth(again): double_close open
"""
import contextlib
import os

from proof import FORM, begin, fails, gone, took


@contextlib.contextmanager
def descriptor():
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED
    try:
        yield fd
    finally:
        if FORM == "idle":
            with fails():
                os.close(fd)  # FIRST(idle)
        else:
            os.close(fd)  # FIRST(again)


def body():
    with descriptor() as fd:
        if FORM == "idle":
            os.close(fd)  # CULPRIT(idle)


def body_steals():
    victim = None
    with descriptor() as fd:
        os.close(fd)  # CULPRIT(file)
        victim = took(open(__file__), fd)  # VICTIM(file)
    gone(fd)
    with fails():
        victim.close()


def body_after():
    with descriptor() as fd:
        pass
    with fails():
        os.close(fd)  # CULPRIT(again)


begin()
for _ in range(2):
    with descriptor() if FORM == "right" else contextlib.suppress():
        pass
{"file": body_steals, "again": body_after}.get(FORM, body)()
