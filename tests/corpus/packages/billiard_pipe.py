# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Connections of billiard's.

needs: billiard==4.2.0
truth(right): none
truth(thief): double_close likely
"""
import os

from billiard.connection import Pipe

from proof import FORM, begin, fails


def thief(connection):
    os.close(connection.fileno())  # CULPRIT


begin()
left, right = Pipe()
left.send(1)
assert right.recv() == 1
if FORM == "thief":
    thief(left)
    with fails():
        left.close()
else:
    left.close()
right.close()
