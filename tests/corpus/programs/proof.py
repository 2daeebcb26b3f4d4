# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What the programs share: the moment at which they let themselves be traced, and their proofs.

Owns nothing. Never: calls anything with a descriptor: a proof must not be an event itself.
"""
import errno
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sim"))
from simlib import wait_for_tracer  # noqa: E402

FORM = sys.argv[1] if len(sys.argv) > 1 else ""


def begin():
    """Returns when the program is traced. What the C library opens by itself is open by then: the
    end of a thread loads libgcc, where it is not there yet."""
    if "threading" in sys.modules:
        import ctypes

        try:
            ctypes.CDLL("libgcc_s.so.1")
        except OSError:  # another C library, or without it
            pass
    wait_for_tracer()


class fails:
    """`with fails():` the call in it must fail with EBADF."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        assert isinstance(error, OSError) and error.errno == errno.EBADF, (kind, error)
        return True


def is_open(number):
    """By a look at /proc that opens nothing."""
    try:
        os.lstat("/proc/self/fd/%d" % number)
    except FileNotFoundError:
        return False
    return True


def took(victim, number):
    """The victim has this number now; it is handed on."""
    got = victim if isinstance(victim, int) else victim.fileno()
    assert got == number, (got, number)
    return victim


def gone(number):
    """Whoever had this number, lost it."""
    assert not is_open(number), number


def skip(why):
    """This machine or Python cannot do what the program is about."""
    print("skip:", why)
    sys.exit(77)
