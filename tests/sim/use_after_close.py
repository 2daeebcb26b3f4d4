# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A read from a file's number after its close, and a write to a socket's.
# @expect {"kind": "use_after_close", "type": "file", "path": "/dev/zero", "fd": "file",
#   "calls": {"bad": "read", "closed": "close", "opened": "openat"}, "bad": "read_late@read",
#   "closed": "read_late@closed1", "opened": "read_late@opened1"}
# @expect {"kind": "use_after_close", "type": "socket", "fd": "socket", "calls": {"bad":
#   "write", "closed": "close", "opened": "socket"}, "bad": "write_late@write", "closed":
#   "write_late@closed2", "opened": "write_late@opened2"}
import os
import socket

from simlib import say, wait_for_tracer


def read_late():
    fd = os.open("/dev/zero", os.O_RDONLY)  # <opened1>
    say(file=fd)
    os.close(fd)  # <closed1>
    try:
        os.read(fd, 1)  # <read>
    except OSError:
        pass


def write_late():
    s = socket.socket()  # <opened2>
    fd = s.fileno()
    say(socket=fd)
    s.close()  # <closed2>
    try:
        os.write(fd, b"x")  # <write>
    except OSError:
        pass


wait_for_tracer()
read_late()
write_late()
