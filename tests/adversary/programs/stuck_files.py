# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A file system of one's own (FUSE), in which every name is a file, and whose server answers no
more once the program names one of its files as the source of its code.

Usage: stuck_files.py FOLDER NAMES_FILES FILE...: mounts it at FOLDER, for itself alone, and goes on
as names_files.py, with FOLDER/stuck.py behind the files given. Needs root, to be nobody then.
"""
import ctypes
import os
import runpy
import signal
import struct
import sys
import time

CLONE_NEWNS, MS_REC_PRIVATE = 0x20000, 0x44000
LOOKUP, GETATTR, INIT = 1, 3, 26
FOREVER = 1 << 30


def attributes(node):
    mode = 0o40755 if node == 1 else 0o100644
    return struct.pack("=6Q10I", node, 9, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode, node):
    if opcode == INIT:
        return struct.pack("=4I4H10I", 7, 31, 4096, 0, 0, 0, 4096, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    if opcode == LOOKUP:
        return struct.pack("=4Q2I", 2, 0, FOREVER, 0, 0, 0) + attributes(2)
    return struct.pack("=QII", 0, 0, 0) + attributes(node)


def serve(fuse):
    """The kernel waits for ever for what comes after the names."""
    while True:
        request = os.read(fuse, 1 << 17)
        _, opcode, unique, node = struct.unpack_from("=IIQQ", request)
        if opcode in (LOOKUP, GETATTR, INIT):
            body = answer(opcode, node)
            os.write(fuse, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)


def check(result, what):
    if result:
        raise OSError(ctypes.get_errno(), what)


folder, program, files = sys.argv[1], sys.argv[2], sys.argv[3:]
libc = ctypes.CDLL(None, use_errno=True)
check(libc.unshare(CLONE_NEWNS), "unshare")
check(libc.mount(None, b"/", None, MS_REC_PRIVATE, None), "private")
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other"
check(libc.mount(b"fuse", folder.encode(), b"fuse", 0, options.encode()), "mount")
server = os.fork()
if not server:
    os.closerange(0, 3)
    os.setresuid(65534, 65534, 65534)  # whose death signal reaches it
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    serve(fuse)
os.close(fuse)
stuck = f"{folder}/stuck.py"
os.stat(stuck)
sys.argv = [program, "drop", *files, stuck]
runpy.run_path(program)
time.sleep(2)  # its root is its own, and there to be looked into only as long as it lives
