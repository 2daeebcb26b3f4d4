# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Two socket objects have one number. The first closes it, a listener gets it, and the second, which
# nobody told, dies: its finalizer takes the listener's. Then the same, the first object being the
# late one.
# @expect {"kind": "reused_close", "fd": "one", "type": "socket", "ownership": "on", "culprit": "bad",
#   "owner": "_socket.socket", "origin": {"bad": "finalizer", "closed": "close"}, "bad":
#   "second_dies@dies", "closed": "first_closes@closes", "opened": "pair@made", "victim":
#   "listener@listener"}
# @expect {"kind": "use_after_close", "fd": "one", "culprit": "closed", "calls": {"bad": "bind"},
#   "bad": "main@bind", "closed": "second_dies@dies", "opened": "listener@listener"}
# @expect {"kind": "double_close", "fd": "one", "culprit": "closed", "origin": {"bad": "close"},
#   "bad": "main@close", "closed": "second_dies@dies", "opened": "listener@listener"}
# @expect {"kind": "reused_close", "fd": "two", "type": "socket", "ownership": "on", "culprit": "bad",
#   "owner": "_socket.socket", "origin": {"bad": "finalizer", "closed": "close"}, "bad":
#   "second_dies@dies", "closed": "first_closes@closes", "opened": "pair@made", "victim":
#   "listener@listener"}
# @expect {"kind": "use_after_close", "fd": "two", "culprit": "closed", "calls": {"bad": "bind"},
#   "bad": "main@bind", "closed": "second_dies@dies", "opened": "listener@listener"}
# @expect {"kind": "double_close", "fd": "two", "culprit": "closed", "origin": {"bad": "close"},
#   "bad": "main@close", "closed": "second_dies@dies", "opened": "listener@listener"}
import os
import socket
import warnings

from simlib import say, wait_for_tracer


def pair():
    first = socket.socket()  # <made>
    return [first, socket.socket(fileno=first.fileno())]


def first_closes(owner):
    owner.close()  # <closes>


def second_dies(holder):
    holder.clear()  # <dies>


def listener():
    return socket.socket()  # <listener>


def main(holder):
    first_closes(holder.pop(0))
    victim = listener()
    assert victim.fileno() == holder[0].fileno()
    second_dies(holder)
    try:
        victim.bind(("127.0.0.1", 0))  # <bind>
    except OSError:
        pass
    try:
        victim.close()  # <close>
    except OSError:
        pass


warnings.simplefilter("ignore")
wait_for_tracer()
sockets = pair()
say(one=sockets[0].fileno())
main(sockets)
keep = os.open("/dev/null", os.O_RDONLY)  # the second round has another number
sockets = pair()
sockets.reverse()
say(two=sockets[0].fileno())
main(sockets)
