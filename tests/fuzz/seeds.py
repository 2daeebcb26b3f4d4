#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""seeds.py FOLDER: the records of the golden recordings, unpacked, for a fuzzer to begin with."""

import struct
import sys
import zlib
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
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


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for path in GOLDEN.glob("*.fdt"):
        data = path.read_bytes()
        (folder / path.stem).write_bytes(records(data)[:LONGEST])
        if len(data) < LONGEST:
            (folder / path.name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
