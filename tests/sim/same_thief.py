# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# One line closes the numbers of one object after the other behind their backs; each time the number
# that the last one had. None of these closes is another's again: each is the object's that it says.
# @expect {"kind": "owned_close", "type": "file", "fd": "fd", "ownership": "on", "culprit": "bad",
#   "owner": "_io.FileIO", "bad": "thief@bad", "opened": "main@file"}
# @expect {"kind": "owned_close", "type": "socket", "fd": "fd", "ownership": "on", "culprit": "bad",
#   "owner": "_socket.socket", "bad": "thief@bad", "opened": "main@socket"}
# @expect {"kind": "owned_close", "type": "epoll", "fd": "fd", "ownership": "on", "culprit": "bad",
#   "owner": "select.epoll", "bad": "thief@bad", "opened": "main@epoll"}
import os
import select
import socket

from simlib import say, wait_for_tracer


def thief(owner):
    os.close(owner.fileno())  # <bad>


def main():
    kept = []
    for kind in range(3):
        if kind == 0:
            kept.append(open(__file__))  # <file>
        elif kind == 1:
            kept.append(socket.socket())  # <socket>
        else:
            kept.append(select.epoll())  # <epoll>
        assert kept[-1].fileno() == kept[0].fileno()
        thief(kept[-1])
    say(fd=kept[0].fileno())
    os._exit(0)  # none of them closes anything any more


wait_for_tracer()
main()
