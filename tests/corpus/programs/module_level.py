# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""No function at all: statements of a module, an exec()'s text, a class's body.

truth(idle): double_close proven
truth(file): reused_close likely
truth(raw): reused_close open
truth(loop): double_close likely
"""
import os

from proof import FORM, begin, fails, took

begin()
fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(idle,file,raw)
if FORM == "idle":
    os.close(fd)  # FIRST(idle)
    with fails():
        os.close(fd)  # CULPRIT(idle)
elif FORM == "file":
    os.close(fd)  # FIRST(file)
    with open(__file__) as victim:  # VICTIM(file)
        took(victim, fd)
        os.close(fd)  # CULPRIT(file)
        with fails():
            victim.close()
elif FORM == "raw":
    os.close(fd)  # FIRST(raw)
    victim = took(os.open("/dev/zero", os.O_RDONLY), fd)  # VICTIM(raw)
    os.close(fd)  # CULPRIT(raw)
    with fails():
        os.close(victim)
else:
    fds = [fd, os.open("/dev/null", os.O_RDONLY)]  # OPENED(loop)
    fds.append(fds[1])
    refused = []
    for each in fds:
        try:
            os.close(each)  # FIRST(loop) CULPRIT(loop)
        except OSError:
            refused.append(each)
    assert refused == [fds[1]]
