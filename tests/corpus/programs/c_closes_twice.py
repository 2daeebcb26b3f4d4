# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""C code closes a number of its own twice, called by one object of Python's.

truth(idle): double_close proven
truth(file): reused_close proven
truth(c): reused_close likely
"""
import ctypes
import os

from proof import FORM, begin, gone

libc = ctypes.CDLL(None, use_errno=True)


class Library:
    def __init__(self):
        self.number = libc.open(b"/dev/null", os.O_RDONLY)  # OPENED

    def close(self):
        return libc.close(self.number)  # FIRST CULPRIT


def main():
    library = Library()
    assert library.close() == 0  # first
    if FORM == "file":
        victim = open(__file__)  # VICTIM(file)
    elif FORM == "c":
        victim = libc.open(b"/dev/zero", os.O_RDONLY)  # VICTIM(c)
    result = library.close()  # culprit
    assert result == (-1 if FORM == "idle" else 0)
    gone(library.number)
    if FORM == "file":
        try:
            victim.close()
            raise SystemExit("it was not stolen")
        except OSError:
            pass
    elif FORM == "c":
        assert libc.close(victim) == -1


begin()
main()
