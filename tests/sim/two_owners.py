# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A socket object, and a file object that os.fdopen() made of the same number; the file closes it,
# somebody else gets it, and the socket, which was never told, closes that. The victim is a bare
# number, then a file object, then the pipe of a C library, which no Python call made.
# @expect {"kind": "reused_close", "fd": "bare", "type": "socket", "ownership": "on", "culprit": "bad",
#   "origin": {"bad": "close", "closed": "close"}, "bad": "drop@drop", "closed": "hand_over@closed",
#   "opened": "hand_over@socket", "victim": "bare@bare"}
# @expect {"kind": "use_after_close", "fd": "bare", "culprit": "closed", "calls": {"bad": "read"},
#   "bad": "<module>@read", "closed": "drop@drop", "opened": "bare@bare"}
# @expect {"kind": "reused_close", "fd": "file", "type": "socket", "ownership": "on", "culprit": "bad",
#   "origin": {"bad": "close", "closed": "close"}, "bad": "drop@drop", "closed": "hand_over@closed",
#   "opened": "hand_over@socket", "victim": "file@file"}
# @expect {"kind": "reused_close", "certainty": "suspected", "fd": "file", "type": "socket",
#   "ownership": "off", "culprit": "bad", "bad": "drop@drop", "closed": "hand_over@closed",
#   "opened": "hand_over@socket", "victim": "file@file"}
# @expect {"kind": "double_close", "fd": "file", "ownership": "on", "culprit": "closed", "origin":
#   {"bad": "close"}, "bad": "close_victim@close_victim", "closed": "drop@drop", "opened":
#   "file@file"}
# @expect {"kind": "reused_close", "fd": "pipe", "type": "socket", "ownership": "on", "culprit": "bad",
#   "origin": {"bad": "close", "closed": "close"}, "bad": "drop@drop", "closed": "hand_over@closed",
#   "opened": "hand_over@socket", "victim": "pipe@pipe"}
# @expect {"kind": "reused_close", "certainty": "suspected", "fd": "pipe", "type": "socket",
#   "ownership": "off", "culprit": "bad", "bad": "drop@drop", "closed": "hand_over@closed",
#   "opened": "hand_over@socket", "victim": "pipe@pipe"}
# @expect {"kind": "use_after_close", "fd": "pipe", "ownership": "on", "culprit": "closed", "calls":
#   {"bad": "read"}, "bad": "<module>@read_pipe", "closed": "drop@drop", "opened": "pipe@pipe"}
# @expect {"kind": "double_close", "fd": "nobody", "culprit": "unknown|bad", "origin": {"bad":
#   "close"}, "bad": "drop_last@drop_last", "closed": "hand_over@closed", "opened": "hand_over@socket"}
import ctypes
import os
import socket

from simlib import say, wait_for_tracer

libc = ctypes.CDLL(None)
buffer = ctypes.create_string_buffer(1)
pair = (ctypes.c_int * 2)()


def hand_over():
    sock = socket.socket()  # <socket>
    stream = os.fdopen(sock.fileno(), "rb")
    stream.close()  # <closed>
    return sock


def drop(owner):
    try:
        owner.close()  # <drop>
    except OSError:
        pass


def close_victim(owner):
    try:
        owner.close()  # <close_victim>
    except OSError:
        pass


def drop_last(owner):
    try:
        owner.close()  # <drop_last>
    except OSError:
        pass


def bare():
    return os.open("/dev/zero", os.O_RDONLY)  # <bare>


def file():
    return open("/dev/zero", "rb", buffering=0)  # <file>


def pipe():
    libc.pipe(pair)  # <pipe>


wait_for_tracer()
one = hand_over()
number = bare()
assert number == one.fileno()
say(bare=number)
drop(one)
try:
    os.read(number, 1)  # <read>
except OSError:
    pass

one = hand_over()
other = file()
assert other.fileno() == one.fileno()
say(file=other.fileno())
drop(one)
close_victim(other)

one = hand_over()
pipe()
assert pair[0] == one.fileno()
say(pipe=pair[0])
drop(one)
libc.read(pair[0], buffer, 1)  # <read_pipe>

one = hand_over()
say(nobody=one.fileno())
drop_last(one)
