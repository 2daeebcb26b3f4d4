# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A generator that is given a text opens a number, and closes it at its end; who had it from there
closed it before, and what opened next has it. Who of the two should not have closed is open, but not
that the generator meant its own.

misleads: the frame outside, for which a function with a text first seems to do the work
truth(text): reused_close open
truth(walk): reused_close open
truth(owner): owned_close proven
truth(right): none
"""
import os
import shutil
import tempfile

from proof import FORM, begin, fails, gone, took


def numbers(path):
    fd = os.open(path, os.O_RDONLY)  # OPENED(text)
    try:
        yield fd
    finally:
        os.close(fd)  # CULPRIT(text)


def stranger():
    return open("/dev/zero")  # VICTIM(text,walk) OPENED(owner)


def text(kept):
    for fd in numbers("/dev/null"):
        os.close(fd)  # FIRST(text)
        kept.append(took(stranger(), fd))
    gone(fd)


def walk(kept):
    folder = tempfile.mkdtemp()
    for _, _, _, fd in os.fwalk(folder):
        os.close(fd)  # CULPRIT(walk)
        kept.append(took(stranger(), fd))
    gone(fd)
    shutil.rmtree(folder)


def of_file(path, kept):
    """It closes a file's number, and has opened none itself."""
    kept.append(stranger())
    yield kept
    os.close(kept[0].fileno())  # CULPRIT(owner)


def owner(kept):
    for _ in numbers("/dev/null"):
        pass
    for _ in of_file("/dev/null", kept):
        pass


def right(kept):
    for _ in range(3):
        for fd in numbers("/dev/null"):
            with stranger(), open(os.dup(fd)):
                pass
    kept.append(stranger())
    kept[0].close()


begin()
kept = []
globals()[FORM](kept)
if FORM != "right":
    with fails():
        kept[0].close()
