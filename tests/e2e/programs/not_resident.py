# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""not_resident.py PARTS [exit]: closes a descriptor twice in a function whose file name, name and
line table (PARTS: some of "file", "name", "table", with commas) lie in a mapped file, none of whose
pages is resident then. "long": with LONGER lines more before the second close; "tail": the file is
resident, but for the later part of the line table. It waits for a line first, and, unless it is to
exit at once, a second after."""
import ctypes
import inspect
import mmap
import os
import sys
import tempfile
import time

PAGE = mmap.PAGESIZE
REFERENCES = 1 << 28  # so many that it is never freed
LONGER = 12000
TABLE_PAGES = 64


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


def longer():
    """twice() anew, with a line table of many pieces."""
    lines = inspect.getsource(twice).splitlines(True)
    lines[2:2] = ["    x = 0\n"] * LONGER
    before = "\n" * (twice.__code__.co_firstlineno - 1)
    exec(compile(before + "".join(lines), __file__, "exec"), globals())


def twice(region, start, last):
    region.madvise(mmap.MADV_DONTNEED, start)
    fd = os.open("/dev/null", os.O_RDONLY)
    os.close(fd)
    try:
        os.close(fd)  # BUG: the second close
    except OSError:
        pass
    if last == "exit":
        os._exit(0)


def main(parts, last):
    if "long" in parts:
        longer()
    code = twice.__code__
    values = {
        "file": code.co_filename,
        "name": getattr(code, "co_qualname", code.co_name),
        "table": code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab,
    }
    with tempfile.TemporaryFile() as file:
        size = (len(values) + TABLE_PAGES) * PAGE
        file.truncate(size)
        region = mmap.mmap(file.fileno(), size)
    for number, name in enumerate(values):
        if name in parts:
            place(code, values[name], region, number * PAGE)
    print("ready", flush=True)
    sys.stdin.readline()
    # A probe reads the first 8 KiB at once.
    twice(region, (len(values) + 2) * PAGE if "tail" in parts else 0, last)
    time.sleep(1)
    os._exit(0)


main(sys.argv[1].split(","), sys.argv[2] if len(sys.argv) > 2 else "")
