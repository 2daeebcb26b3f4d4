# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A CPython that breaks its own frames and code objects, has libc close a descriptor twice, and
mends them again: corrupt.py MODE. No Python runs while something is broken but the close."""
import ctypes
import os
import sys
import time

if os.environ.get("FDTRACE_SIM_PAUSE"):
    time.sleep(float(os.environ["FDTRACE_SIM_PAUSE"]))
LIBC = ctypes.CDLL(None)
VERSION = sys.version_info[:2]
# Offsets as in user/python/layout.c.
STR_LENGTH, STR_STATE = 16, 32
STR_ASCII = 40 if VERSION >= (3, 12) else 48
BYTES_SIZE = 16
CODE_FILENAME = 112 if VERSION >= (3, 11) else 104 if VERSION >= (3, 8) else 96
CODE_TABLE = 136 if VERSION >= (3, 11) else 120 if VERSION >= (3, 8) else 112
IFRAME = 24  # PyFrameObject.f_frame, from 3.11 on
BACK = 8 if VERSION >= (3, 12) else 48 if VERSION >= (3, 11) else 24
EVIL = b"\x1b]0;x\x07\x1b[2J\r\nerror: not ours\x7f"


def number(value):
    return (value % 2**64).to_bytes(8, sys.byteorder)


def word(address):
    return int.from_bytes(ctypes.string_at(address, 8), sys.byteorder)


def this_frame():
    """Where the caller's frame lies in memory."""
    frame = sys._getframe(1)
    return word(id(frame) + IFRAME) if VERSION >= (3, 11) else id(frame)


def places(name, code, frame):
    """What each mode writes, and where."""
    return {
        "honest": (name + STR_ASCII, b""),
        "names": (name + STR_ASCII, EVIL),
        "length": (name + STR_LENGTH, number(2**63 - 1)),
        "negative": (name + STR_LENGTH, number(-1)),
        "state": (name + STR_STATE, b"\xff\xff\xff\xff"),
        "no_name": (code + CODE_FILENAME, number(-4096)),
        "table": (word(code + CODE_TABLE) + BYTES_SIZE, number(2**62)),
        "cycle": (frame + BACK, number(frame)),
        "wild": (frame + BACK, number(0xFFFF800000000000)),
    }


def victim(mode):
    code = victim.__code__
    address, data = places(id(code.co_filename), id(code), this_frame())[mode]
    fd = os.open(os.devnull, os.O_RDONLY)
    old = ctypes.string_at(address, len(data))
    memmove, close, size = ctypes.memmove, LIBC.close, len(data)
    memmove(address, data, size)
    close(fd)
    close(fd)
    memmove(address, old, size)


victim(sys.argv[1])
print("whole again")
