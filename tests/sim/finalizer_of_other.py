# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A socket's number is closed behind its back, a file gets it, and that is closed behind its back as
# well. Each finalizer's failure is due to the close of its own object's number, not to the last one.
# @expect {"kind": "owned_close", "fd": "fd", "type": "socket", "ownership": "on", "culprit": "bad",
#   "owner": "_socket.socket", "bad": "close_socket@socket", "opened": "make_socket@socket_made"}
# @expect {"kind": "owned_close", "fd": "fd", "type": "file", "ownership": "on", "culprit": "bad",
#   "owner": "_io.FileIO", "bad": "close_file@file", "opened": "make_file@file_made"}
# @expect {"kind": "double_close", "fd": "fd", "type": "socket", "ownership": "on", "culprit":
#   "closed", "origin": {"bad": "finalizer"}, "bad": "drop_socket@drop_socket", "closed":
#   "close_socket@socket", "opened": "make_socket@socket_made"}
# @expect {"kind": "double_close", "fd": "fd", "type": "file", "ownership": "on", "culprit":
#   "closed", "origin": {"bad": "finalizer"}, "bad": "drop_file@drop_file", "closed":
#   "close_file@file", "opened": "make_file@file_made"}
# @expect {"kind": "use_after_close", "fd": "fd", "ownership": "on", "culprit": "closed", "bad":
#   "drop_socket@drop_socket", "closed": "close_socket@socket", "count": 2}
# @expect {"kind": "double_close", "fd": "fd", "ownership": "off", "bad": "drop_socket@drop_socket",
#   "closed": "close_file@file"}
# @expect {"kind": "double_close", "fd": "fd", "ownership": "off", "bad": "drop_file@drop_file",
#   "closed": "close_file@file"}
# @expect {"kind": "use_after_close", "fd": "fd", "ownership": "off", "bad":
#   "drop_socket@drop_socket", "count": "any"}
import os
import socket

from simlib import say, wait_for_tracer


def make_socket():
    return socket.socket()  # <socket_made>


def close_socket(owner):
    os.close(owner.fileno())  # <socket>


def make_file():
    return open("/dev/zero", "rb", buffering=0)  # <file_made>


def close_file(owner):
    os.close(owner.fileno())  # <file>


def drop_socket(holder):
    holder.clear()  # <drop_socket>


def drop_file(holder):
    holder.clear()  # <drop_file>


wait_for_tracer()
sockets = [make_socket()]
say(fd=sockets[0].fileno())
close_socket(sockets[0])
files = [make_file()]
assert files[0].fileno() == sockets[0].fileno()
close_file(files[0])
drop_socket(sockets)
drop_file(files)
