# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The number of a socket is closed under its object, which closes it again: one that says so,
# and one that dies without a word. Its ResourceWarning, which nobody sees, asks for the
# socket's names first.
# @expect {"kind": "owned_close", "type": "socket", "fd": "spoken", "ownership": "on", "culprit":
#   "bad", "owner": "_socket.socket", "bad": "spoken@closed1", "opened": "spoken@opened1", "advice":
#   "detach()"}
# @expect {"kind": "owned_close", "type": "socket", "fd": "silent", "ownership": "on", "culprit":
#   "bad", "owner": "_socket.socket", "bad": "silent@closed2", "opened": "silent@opened2"}
# @expect {"kind": "use_after_close", "type": "socket", "fd": "silent", "culprit": "closed", "calls":
#   {"bad": "getsockname"}, "bad": "silent@bad2", "closed": "silent@closed2"}
# @expect {"kind": "use_after_close", "type": "socket", "fd": "silent", "culprit": "closed", "calls":
#   {"bad": "getpeername"}, "bad": "silent@bad2", "closed": "silent@closed2"}
# @expect {"kind": "double_close", "type": "socket", "fd": "spoken", "culprit": "closed", "origin":
#   {"bad": "close"}, "calls": {"opened": "socket"}, "bad": "spoken@bad1", "closed":
#   "spoken@closed1", "opened": "spoken@opened1"}
# @expect {"kind": "double_close", "type": "socket", "fd": "silent", "culprit": "closed", "origin":
#   {"bad": "finalizer"}, "calls": {"opened": "socketpair"}, "bad": "silent@bad2", "closed": "silent@closed2", "opened": "silent@opened2"}
import os
import socket

from simlib import say, wait_for_tracer


def spoken():
    s = socket.socket()  # <opened1>
    say(spoken=s.fileno())
    os.close(s.fileno())  # <closed1>
    try:
        s.close()  # <bad1>
    except OSError:
        pass


def silent():
    left, right = socket.socketpair()  # <opened2>
    say(silent=left.fileno())
    os.close(left.fileno())  # <closed2>
    del left  # <bad2>
    right.close()


wait_for_tracer()
spoken()
silent()
