# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A child on a terminal of its own, closed twice and rightly; or the number is closed behind its back.

needs: ptyprocess==0.5.2
truth(right): none
truth(thief): owned_close proven
"""
import os
import sys

from ptyprocess import PtyProcess

from proof import FORM, begin, fails

begin()
process = PtyProcess.spawn([sys.executable, "-S", "-c", "print(1)"])
assert process.readline().strip() == b"1"
if FORM == "thief":
    os.close(process.fd)  # CULPRIT(thief)
    with fails():
        process.close()
else:
    process.close()
    process.close()
