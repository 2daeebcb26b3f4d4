# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A file object exists before the tracer comes, where one comes late. Its number is closed behind its
# back, an innocent file gets it, and the first object's own close takes that. A socket's and an epoll
# object's numbers go the same way, and nobody gets them.
# @expect {"kind": "owned_close", "fd": "file", "type": "file", "ownership": "on", "culprit": "bad",
#   "owner": "_io.FileIO", "origin": {"bad": "os.close"}, "bad": "culprit@closed", "modes":
#   ["attached"], "missing": ["opened"], "notes": "made before fdtrace attached"}
# @expect {"kind": "owned_close", "fd": "socket", "type": "socket", "ownership": "on", "culprit":
#   "bad", "owner": "_socket.socket", "origin": {"bad": "os.close"}, "bad": "culprit@closed", "modes":
#   ["attached"], "missing": ["opened"], "notes": "made before fdtrace attached"}
# @expect {"kind": "owned_close", "fd": "epoll", "type": "epoll", "ownership": "on", "culprit": "bad",
#   "owner": "select.epoll", "origin": {"bad": "os.close"}, "bad": "culprit@closed", "modes":
#   ["attached"], "missing": ["opened"], "notes": "made before fdtrace attached"}
# @expect {"kind": "owned_close", "fd": "file", "ownership": "on", "culprit": "bad", "owner":
#   "_io.FileIO", "bad": "culprit@closed", "opened": "<module>@file", "modes": ["started"]}
# @expect {"kind": "owned_close", "fd": "socket", "ownership": "on", "culprit": "bad", "owner":
#   "_socket.socket", "bad": "culprit@closed", "opened": "<module>@socket", "modes": ["started"]}
# @expect {"kind": "owned_close", "fd": "epoll", "ownership": "on", "culprit": "bad", "owner":
#   "select.epoll", "bad": "culprit@closed", "opened": "<module>@epoll", "modes": ["started"]}
# @expect {"kind": "double_close", "fd": "socket", "culprit": "closed", "origin": {"bad": "close"},
#   "bad": "late@late", "closed": "culprit@closed"}
# @expect {"kind": "double_close", "fd": "epoll", "culprit": "closed",
#   "bad": "late@late", "closed": "culprit@closed"}
# @expect {"kind": "reused_close", "fd": "file", "ownership": "on", "culprit": "closed", "owner":
#   "_io.FileIO", "origin": {"bad": "close", "closed": "os.close"}, "bad": "late@late", "closed":
#   "culprit@closed", "victim": "innocent@victim"}
# @expect {"kind": "use_after_close", "fd": "file", "culprit": "unknown", "calls": {"bad": "read"},
#   "bad": "read@failed", "closed": "late@late", "opened": "innocent@victim"}
# @expect {"kind": "double_close", "fd": "file", "culprit": "unknown", "origin": {"bad": "close"},
#   "bad": "late@late", "closed": "late@late", "opened": "innocent@victim"}
import io
import os
import select
import socket

from simlib import say, wait_for_tracer

file = io.FileIO(__file__)  # <file>
sock = socket.socket()  # <socket>
epoll = select.epoll()  # <epoll>
wait_for_tracer()


def culprit(owner):
    os.close(owner.fileno())  # <closed>


def late(owner):
    try:
        owner.close()  # <late>
    except OSError:
        pass


def innocent():
    return io.FileIO(os.__file__)  # <victim>


def read(victim):
    try:
        victim.read(1)  # <failed>
    except OSError:
        pass


say(file=file.fileno(), socket=sock.fileno(), epoll=epoll.fileno())
for one in (sock, epoll):
    culprit(one)
    late(one)
culprit(file)
other = innocent()
while other.fileno() != file.fileno():
    other = innocent()
late(file)
read(other)
late(other)
