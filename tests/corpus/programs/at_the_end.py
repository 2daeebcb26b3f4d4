# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A number is closed by hand, and again at the end: by __del__, weakref.finalize, atexit, or an
ExitStack.

truth(del): double_close proven
truth(del_file): reused_close proven
truth(collector): double_close proven
truth(finalize): double_close likely
truth(finalize_file): reused_close likely
truth(atexit): double_close likely
truth(atexit_file): reused_close likely
truth(stack): double_close likely
"""
import atexit
import contextlib
import gc
import os
import weakref

from proof import FORM, begin, fails, gone, took

numbers = []


class Holder:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED
        numbers.append(self.fd)
        if FORM.startswith("finalize"):
            weakref.finalize(self, give_back, self.fd)
        elif FORM.startswith("atexit"):
            atexit.register(give_back, self.fd)

    def close(self):
        os.close(self.fd)  # FIRST


class WithDel(Holder):
    def __del__(self):
        give_back_own(self)


def give_back_own(holder):
    try:
        os.close(holder.fd)  # CULPRIT(del,del_file,collector)
    except OSError:
        numbers.append("EBADF")


def give_back(number):
    try:
        os.close(number)  # CULPRIT(finalize,finalize_file,atexit,atexit_file,stack)
    except OSError:
        numbers.append("EBADF")


def stack():
    with contextlib.ExitStack() as exits:
        holder = Holder()
        exits.callback(give_back, holder.fd)
        holder.close()


def main():
    holders = [(WithDel if FORM[:3] in ("del", "col") else Holder)()]
    if FORM == "collector":
        holders[0].me = holders
    holders[0].close()
    victim = took(open(__file__), numbers[0]) if FORM.endswith("_file") else None  # VICTIM
    if FORM.startswith("atexit"):
        return victim
    if FORM == "collector":
        del holders
        gc.collect()
    else:
        holders.clear()
    return victim


begin()
if FORM == "stack":
    stack()
else:
    victim = main()
if FORM.startswith("atexit"):
    pass
elif FORM.endswith("_file"):
    gone(numbers[0])
    with fails():
        victim.close()
else:
    assert numbers[1:] == ["EBADF"]
