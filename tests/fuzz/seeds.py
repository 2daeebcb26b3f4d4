#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""seeds.py FOLDER: inputs for the fuzz targets to begin with, in FOLDER/NAME: of `recording` the
golden recordings and their records, unpacked; of others what is at hand: tables, texts of /proc.
"""

import struct
import sys
import zlib
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
TABLES = Path(__file__).resolve().parents[1] / "unit/data"
HEADER, BLOCK = 112, struct.Struct("=IIII")
LONGEST = 1 << 16


def records(data):
    at, raw = HEADER, b""
    while at < len(data):
        _, stored, _, _ = BLOCK.unpack_from(data, at)
        at += BLOCK.size
        raw += zlib.decompress(data[at:at + stored])
        at += stored
    return raw


def recordings():
    for path in GOLDEN.glob("*.fdt"):
        data = path.read_bytes()
        yield records(data)[:LONGEST]
        if len(data) < LONGEST:
            yield data


def tables():
    """(version, first line, table) of real code objects, a few of each version."""
    for path in sorted(TABLES.glob("lines-*.txt")):
        lines = path.read_text(encoding="ascii").splitlines()
        version = int(lines[0].split()[1], 16)
        for line in [line for line in lines if line.startswith("code ")][:12]:
            words = line.split()
            yield version, int(words[1]), bytes.fromhex(words[2] if len(words) > 2 else "")


def linetables():
    for version, first, table in tables():
        yield struct.pack("<Bii", version - 0x0306, first, 20) + table


def code_record(version, first, table, local=b""):
    """A step of fuzz_code.c that adds a code object, then one that looks it up."""
    name, function = "/srv/größe.py".encode("latin-1"), "C.run".encode("utf-16-le")
    data = name + function + table + local
    record = struct.pack("=IHHQQII", 88 + len(data), 3, 0, 0, 0, 1, 1)
    record += struct.pack("=QQiiIIIIIIHBBBBH", 1, 1, first, 2, len(name), len(name),
                          len(function), len(function) // 2, len(table), len(table), version,
                          1, 2, 0, 0, bool(local) << 8)
    step = struct.pack("<BH", 0, len(record + data)) + record + data
    return step + struct.pack("<BBBBiB", 3, 1, 1, 1, 6, 0)


def codes():
    for version, first, table in tables():
        yield code_record(version, first, table)
        yield code_record(version, first, table, struct.pack("<QIIIB3x16s", 1, 0, 1, 0, 0, b"C"))


def procs():
    """First byte: which parser, as fuzz_proc.c has them."""
    for which, name in ((0, "maps"), (1, "cgroup"), (3, "status"), (4, "stat"), (5, "fdinfo/0")):
        yield bytes([which]) + Path("/proc/self", name).read_bytes()[:4000]
    yield bytes([1]) + b"0::/system.slice/docker-" + b"0123456789abcdef" * 4 + b".scope\n"
    for link in (b"/etc/passwd", b"socket:[77]", b"pipe:[1]", b"anon_inode:[eventpoll]",
                 b"/memfd:name (deleted)", b"pidfd:[3]"):
        yield bytes([2]) + link


def texts():
    for width, text in ((1, "grün\x1b[31m"), (2, "名前\n\u202e"), (4, "\U0001f40d\udc80\0")):
        codec = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[width]
        yield bytes([width]) + text.encode(codec, "surrogatepass")


def scripts():
    yield from (b"#!/usr/bin/python3\nprint()\n", b"#! /usr/bin/env -S A=1 python3 -u\n", b"#!\n")


def services():
    """Which text, then the text: see fuzz_service.c."""
    def message(number, *fields):
        content = b"".join(fields)
        return bytes([number << 3 | 2, len(content)]) + content

    def pair(key, value):
        return message(1, message(1, key), message(2, message(1, value)))

    yield b"\0" + message(1, pair(b"service.name", b"a"), b"\x18\x07", pair(b"service.version", b"\xff"))
    yield (b"\1OTEL_SERVICE_NAME=a\0OTEL_RESOURCE_ATTRIBUTES=service.name=%20b,deployment.environment=%zz\0"
           b"DD_SERVICE=c\0DD_VERSION=1\0DD_ENV=e\0")
    for words in (b"-m\0pack.__main__", b"-Xdev\0-W\0x\0/a/__main__.py", b"--check-hash-based-pycs\0x\0-", b"-Ic\0x"):
        yield b"\2python3\0" + words + b"\0"
    yield b"\3/docker/" + b"0123456789abcdef" * 4 + b"/system.slice/a@1.service"


def publisheds():
    """Version, GIL, then {offset, value}: see fuzz_published.c."""
    for version in range(5):
        for free in (0, 1):
            yield bytes([version, free])
            yield bytes([version, free]) + struct.pack("<HQHQ", 40, 4096, 184, 1 << 40)


def expression(*ops):
    """Of fuzz_native.c: all registers known, a CFA, a stack of 64 bytes."""
    head = struct.pack("<BIQBBB", 1, 0xffffffff, 0x1040, len(ops), 1, 1)
    registers = b"".join(struct.pack("<H", 0x1000 + 8 * i) for i in range(33))
    return head + registers + b"".join(struct.pack("<BhhB", *op) for op in ops)


def in_pieces(data):
    """A file as {offset, length, bytes}, without what is empty."""
    for at in range(0, len(data), 128):
        piece = data[at:at + 128]
        if any(piece):
            yield struct.pack("<HB", at, len(piece)) + piece


def small_elf():
    """One function, \"f\", at 0x401000."""
    names, symbols = b"\0f\0.text\0.symtab\0.strtab\0", struct.Struct("<IBBHQQ")
    table = symbols.pack(0, 0, 0, 0, 0, 0) + symbols.pack(1, 0x12, 0, 1, 0x401000, 16)
    section = struct.Struct("<IIQQQQIIQQ")
    sections = [section.pack(*10 * [0]), section.pack(3, 1, 6, 0x401000, 0x300, 64, 0, 0, 16, 0),
                section.pack(9, 2, 0, 0, 0x100, len(table), 3, 1, 8, 24),
                section.pack(17, 3, 0, 0, 0x180, len(names), 0, 0, 1, 0)]
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0x401000, 0x40, 0x1c0,
                         0, 64, 56, 1, 64, 4, 3)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 0x2000, 0x2000, 0x1000)
    data = header + segment
    for at, part in ((0x100, table), (0x180, names), (0x1c0, b"".join(sections))):
        data = data.ljust(at, b"\0") + part
    return data.ljust(0x400, b"\0")


def split_elf():
    """A function at 0x1000, whose rest lies at 0x3000."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0x1000, 0x40, 0,
                         0, 64, 56, 2, 64, 0, 0)
    segment = struct.Struct("<IIQQQQQQ")
    segments = segment.pack(1, 5, 0, 0, 0, 0x3800, 0x3800, 0x1000)
    segments += segment.pack(0x6474e550, 4, 0x2800, 0x2800, 0x2800, 0x100, 0x100, 4)
    jumps = b"".join(b"\xe9" + struct.pack("<i", 0x2040 + 16 * i - 5 - 5 * i) for i in range(6))
    table, fdes = struct.pack("<4Bii", 1, 0x1b, 3, 0x3b, 0, 2), b""
    for number, start in enumerate((0x1000, 0x3000)):
        fde = 0x2000 + 16 * number
        fdes += struct.pack("<IIiI", 12, 0, start - fde - 8, 0x100)
        table += struct.pack("<ii", start - 0x2800, fde - 0x2800)
    data = (header + segments).ljust(0x1000, b"\0") + jumps
    data = data.ljust(0x2000, b"\0") + fdes
    return (data.ljust(0x2800, b"\0") + table).ljust(0x3800, b"\0")


def natives():
    breg, lit, plus, deref, stack_value = 0x77, 0x38, 0x22, 0x06, 0x9f
    yield expression((breg, 8, 0, 0), (deref, 0, 0, 3)) + struct.pack("<H", 0x1000) + bytes(64)
    yield expression((breg, 8, 0, 0), (lit, 0, 0, 3), (plus, 0, 0, 4), (stack_value, 0, 0, 5))
    yield struct.pack("<BHBBB", 0, 0x1004, 0, 0, 0) + b"".join(in_pieces(small_elf()))
    # Its last byte is there, so that the file has its size.
    yield struct.pack("<BHH", 2, 0x1000, 0x100) + b"".join(in_pieces(split_elf())) + \
        struct.pack("<HBB", 0x37ff, 1, 1)


def mends():
    """Version, then {place, value}: see fuzz_mend.c. Objects lie 4 KiB and more apart."""
    for version in range(10):
        yield bytes([version])
        for at in (16, 0x1010, 0x1020, 0x3010, 0x5010):
            yield bytes([version]) + struct.pack("<HQ", at // 4, 1 << 33 | 0x9f)


MAKERS = {"mend": mends, "native": natives, "published": publisheds,
          "recording": recordings, "linetable": linetables, "code": codes, "proc": procs,
          "text": texts, "script": scripts, "service": services}


def main(folder):
    for name, make in MAKERS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(make()):
            (folder / name / f"{number:03}").write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
