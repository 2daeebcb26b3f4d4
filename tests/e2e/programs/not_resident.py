# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""not_resident.py PARTS [exit]: closes a descriptor twice in a function whose file name, name and
line table (PARTS: some of "file", "name", "table", with commas) lie in a mapped file, none of whose
pages is resident then. It waits for a line first, and, unless it is to exit at once, a second after."""
import ctypes
import mmap
import os
import sys
import tempfile
import time

PAGE = mmap.PAGESIZE
REFERENCES = 1 << 28  # so many that it is never freed


def place(code, value, region, at):
    """Puts a copy of value to where the file is mapped, and the code object's pointer on it."""
    size = sys.getsizeof(value)
    start = ctypes.addressof(ctypes.c_char.from_buffer(region)) + at
    ctypes.memmove(start, id(value), size)
    ctypes.c_ssize_t.from_address(start).value = REFERENCES
    for offset in range(16, sys.getsizeof(code), 8):
        word = ctypes.c_size_t.from_address(id(code) + offset)
        if word.value == id(value):
            word.value = start
            return
    raise LookupError("no such pointer in the code object")


def twice(region, last):
    region.madvise(mmap.MADV_DONTNEED)
    fd = os.open("/dev/null", os.O_RDONLY)
    os.close(fd)
    try:
        os.close(fd)  # BUG: the second close
    except OSError:
        pass
    if last == "exit":
        os._exit(0)


def main(parts, last):
    code = twice.__code__
    values = {
        "file": code.co_filename,
        "name": getattr(code, "co_qualname", code.co_name),
        "table": code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab,
    }
    with tempfile.TemporaryFile() as file:
        file.truncate(len(values) * PAGE)
        region = mmap.mmap(file.fileno(), len(values) * PAGE)
    for number, name in enumerate(values):
        if name in parts:
            place(code, values[name], region, number * PAGE)
    print("ready", flush=True)
    sys.stdin.readline()
    twice(region, last)
    time.sleep(1)
    os._exit(0)


main(sys.argv[1].split(","), sys.argv[2] if len(sys.argv) > 2 else "")
