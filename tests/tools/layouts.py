#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""CPython's layouts: from what its headers say to the tables that fdtrace is built with.

usage: layouts.py write     the tables (user/python/layouts.inc) from the data (layouts.txt)
       layouts.py check     they are up to date
       layouts.py compare   the data against the headers of every CPython here, x86_64
       layouts.py dump INCLUDE [INCLUDE…]   what these headers say, as lines of the data: the folder
                            with Python.h, and what else it needs; FREE_THREADED=1: without the GIL

The data, tests/unit/data/layouts.txt, is what dump_layout.c has printed of each version's headers:
version (030b: 3.11; 030dt: 3.13 without the GIL), field, value. It has every field of struct
py_layout (bpf/abi/py_layout.h) for every version, or no table is made of it.
"""
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
DATA = TOP / "tests/unit/data/layouts.txt"
DUMP = TOP / "tests/unit/data/dump_layout.c"
STRUCT = TOP / "bpf/abi/py_layout.h"
TABLES = TOP / "user/python/layouts.inc"

# What no header says: filled in by the table itself, and in each process (gilstate.h).
NOT_MEASURED = {"version", "key_offset"}
# Not a field: how many pthread_mutex_t lie before the key. They differ in size.
MUTEXES = "key_mutexes"
HEAD = """\
/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Made by `make layouts` of tests/unit/data/layouts.txt. Do not edit. */
"""


def struct_fields():
    """The members of struct py_layout that are measured, in their order, with their types."""
    body = re.search(r"^struct py_layout \{\n(.*?)^\};", STRUCT.read_text(), re.S | re.M)[1]
    members = re.findall(r"^\t__([us]\d+) (\w+);", body, re.M)
    return {name: kind for kind, name in members if name not in NOT_MEASURED}


def read_data(text):
    """{version: {field: value}}"""
    versions = {}
    for line in text.splitlines():
        version, field, value = line.split()
        if field in versions.setdefault(version, {}):
            sys.exit(f"{version}: {field} twice")
        versions[version][field] = value
    return versions


def initializer(version, values, field, kind):
    value = values[field]
    if value == "-1":
        if kind != "u16":
            sys.exit(f"{version}: {field} cannot be absent")
        return "LAYOUT_NONE"
    if field == "runtime_key" and values[MUTEXES] != "0":
        return f"{value} + {values[MUTEXES]} * MUTEX_GROWTH"
    return value


def entry(version, values, fields):
    measured = {*fields, MUTEXES}
    if wrong := measured ^ set(values):
        sys.exit(f"{version}: a field too many, or missing: {', '.join(sorted(wrong))}")
    lines = [f"\t\t.{field} = {initializer(version, values, field, kind)},"
             for field, kind in fields.items()]
    return "\n".join(["\t{", f"\t\t.version = 0x{version[:4]},", *lines, "\t},"])


def table(name, entries):
    return "\n".join([f"static const struct py_layout {name}[] = {{", *entries,
                      "\t{.version = 0},", "};", ""])


def tables(versions):
    fields = struct_fields()
    entries = {version: entry(version, values, fields)
               for version, values in sorted(versions.items())}
    return "\n".join([
        HEAD + table("layouts", [text for v, text in entries.items() if not v.endswith("t")]),
        table("free_threaded", [text for v, text in entries.items() if v.endswith("t")])])


def dump(includes, free_threaded=False):
    """What these headers say."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "dump")
        flags = [f"-I{folder}" for include in includes
                 for folder in (include, f"{include}/internal", f"{include}/internal/mimalloc")]
        flags += ["-DPy_GIL_DISABLED=1"] * free_threaded
        subprocess.run(["cc", "-w", *flags, "-o", program, DUMP], check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout


def header_folders():
    """The folders with Python.h that are here."""
    homes = [Path("/usr"), Path(sysconfig.get_config_var("prefix"))]
    homes += Path.home().glob(".pyenv/versions/*")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "fdtrace")
    homes += cache.glob("built/*")
    return sorted({folder for home in homes for folder in home.glob("include/python3*")
                   if (folder / "internal").is_dir() and (folder / "Python.h").exists()})


def compare():
    data, wrong, folders = read_data(DATA.read_text()), 0, header_folders()
    for folder in folders:
        for version, values in read_data(dump([folder])).items():
            known = data.get(version, {})
            for field in sorted({*known, *values}):
                if known.get(field) != values.get(field):
                    print(f"{folder}: {field} is {values.get(field)}, not {known.get(field)}")
                    wrong += 1
    print(f"layouts: headers of {len(folders)} CPythons, {wrong} differences")
    return wrong


def check():
    if TABLES.read_text() == tables(read_data(DATA.read_text())):
        return 0
    print(f"{TABLES.relative_to(TOP)} is not what {DATA.relative_to(TOP)} says: make layouts")
    return 1


def main(command="", *arguments):
    if command == "write":
        TABLES.write_text(tables(read_data(DATA.read_text())))
    elif command == "check":
        return check()
    elif command == "compare":
        return compare()
    elif command == "dump" and arguments:
        print(dump(arguments, bool(os.environ.get("FREE_THREADED"))), end="")
    else:
        sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
