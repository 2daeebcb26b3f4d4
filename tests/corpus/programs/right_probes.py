# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Questions whether a number is open, sweeps over what is or was, and lists that hold their own
number: all on purpose.

truth(standard): none
truth(status): none
truth(status_once_open): none
truth(fstat_once_open): none
truth(closerange): none
truth(sweep): none
truth(sweep_once_open): none
truth(sweep_thousand): none
truth(listing): none
truth(listing_all): none
truth(isatty): none
"""
import fcntl
import os

from proof import FORM, begin


def is_open(number):
    """As test.support.fd_status and its like ask."""
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def standard():
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            pass


def status():
    assert not all(is_open(number) for number in range(64))


def once_open(many):
    numbers = [os.open("/dev/null", os.O_RDONLY) for _ in range(many)]
    for number in numbers:
        os.close(number)
    return numbers


def status_once_open():
    assert not any([is_open(number) for number in once_open(10)])


def fstat_once_open():
    for number in once_open(10):
        try:
            os.fstat(number)
            raise SystemExit("it is open")
        except OSError:
            pass


def closerange():
    once_open(10)
    os.closerange(3, 256)


def sweep(last=256):
    """As in daemons: everything but the standard streams."""
    for number in range(3, last):
        try:
            os.close(number)
        except OSError:
            pass


def sweep_once_open():
    once_open(10)
    sweep(64)


def sweep_thousand():
    once_open(200)
    once_open(200)
    sweep(1024)


def listing(keep=(0, 1, 2)):
    """The list holds the number that it was read with."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) in keep:
            continue
        try:
            os.close(int(name))
        except OSError:
            pass


def listing_all():
    once_open(5)
    kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(4)]
    listing((0, 1, 2, *kept))
    for number in kept:
        os.close(number)


def isatty():
    once_open(3)
    assert not any(os.isatty(number) for number in range(3, 16))


begin()
globals()[FORM]()
