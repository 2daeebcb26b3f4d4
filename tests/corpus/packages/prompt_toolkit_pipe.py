# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A pipe input of prompt_toolkit is closed by its user and by whoever made it.

needs: prompt_toolkit==3.0.24
culprit: close@posix_pipe.py
first: close@posix_pipe.py
truth(idle): double_close proven
truth(file): reused_close proven
truth(right): none
"""
from prompt_toolkit.input.posix_pipe import PosixPipeInput

from proof import FORM, begin, fails, took

begin()
pipe = PosixPipeInput("x")
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
