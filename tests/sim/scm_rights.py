# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A descriptor received over a socket, wrapped twice: its second close is a double close, though
# no call returned it.
# @expect {"kind": "double_close", "fd": "fd", "bad": "<module>@bad", "closed":
#   "<module>@closed", "opened": "<module>@opened", "installed": "recvmsg"}
import array
import os
import socket

from simlib import say, wait_for_tracer

wait_for_tracer()
left, right = socket.socketpair()
left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1]))])
_, control, _, _ = right.recvmsg(1, socket.CMSG_SPACE(4))  # <opened>
number = array.array("i", control[0][2][:4])[0]
say(fd=number)
os.close(number)  # <closed>
try:
    os.close(number)  # <bad>
except OSError:
    pass
left.close()
right.close()
