# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A pipe of paramiko's is closed a second time: its close() does not remember.

needs: paramiko==2.7.2
needs: six==1.16.0
culprit: close@pipe.py
first: close@pipe.py
truth(idle): double_close proven
truth(file): reused_close proven
truth(right): none
"""
from paramiko.pipe import make_pipe

from proof import FORM, begin, fails, took

begin()
pipe = make_pipe()
number = pipe.fileno()
pipe.close()  # first
if FORM == "idle":
    with fails():
        pipe.close()  # culprit(idle)
elif FORM == "file":
    with open(__file__) as victim:  # VICTIM(file)
        took(victim, number)
        with fails():
            pipe.close()  # culprit(file)
        with fails():
            victim.close()
