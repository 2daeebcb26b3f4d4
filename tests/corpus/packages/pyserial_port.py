# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A serial port, which is a terminal's other side.

needs: pyserial==3.5
truth(right): none
truth(thief): double_close likely
"""
import os

import serial

from proof import FORM, begin, fails


def thief(port):
    os.close(port.fd)  # CULPRIT


begin()
leader, follower = os.openpty()
port = serial.Serial(os.ttyname(follower))
os.close(follower)
port.write(b"x")
if FORM == "thief":
    thief(port)
    with fails():
        port.close()
else:
    port.close()
    port.close()
os.close(leader)
