# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A file was made of a number, and both close it.

truth(before): owned_close proven
truth(after): double_close proven
truth(after_taken): reused_close proven
truth(finally_taken): reused_close proven
truth(finalizer): owned_close proven
truth(stdout): owned_close proven
"""
import os
import subprocess
import sys

from proof import FORM, begin, fails, gone, took


def make():
    return os.open("/dev/null", os.O_RDWR)  # OPENED(before,after,after_taken,finally_taken,finalizer)


def before():
    number = make()
    file = os.fdopen(number)
    os.close(number)  # CULPRIT(before)
    with fails():
        file.close()


def after():
    number = make()
    os.fdopen(number).close()  # FIRST(after)
    with fails():
        os.close(number)  # CULPRIT(after)


def after_taken():
    number = make()
    os.fdopen(number).close()  # FIRST(after_taken)
    with open(__file__) as victim:  # VICTIM(after_taken)
        took(victim, number)
        os.close(number)  # CULPRIT(after_taken)
        with fails():
            victim.close()


def finally_taken():
    number, victim = make(), None
    try:
        with os.fdopen(number, "w") as file:
            file.write("x")
        victim = took(open(__file__), number)  # VICTIM(finally_taken)
    finally:
        os.close(number)  # CULPRIT(finally_taken)
    gone(number)
    with fails():
        victim.close()


def finalizer():
    number = make()
    file = os.fdopen(number)
    os.close(number)  # CULPRIT(finalizer)
    del file


def stdout():
    """A child's pipe, closed by its number."""
    child = subprocess.Popen([sys.executable, "-S", "-c", ""], stdout=subprocess.PIPE)  # OPENED(stdout)
    child.wait()
    os.close(child.stdout.fileno())  # CULPRIT(stdout)
    with fails():
        child.stdout.close()


begin()
globals()[FORM]()
