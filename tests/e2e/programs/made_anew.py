# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""made_anew.py COUNT: code objects that are made, run once and freed, so that the next one and what
it leads to have their addresses. Each differs from the one before in its name alone, its file name
alone or its line alone. Each closes a descriptor, and says what it is."""
import os
import sys
import time
import types

TABLE = "co_linetable" if hasattr(compile("", "", "exec"), "co_linetable") else "co_lnotab"
NAMES = ("co_name", "co_qualname") if sys.version_info >= (3, 11) else ("co_name",)


def made(before, after):
    scope = {}
    exec(compile("def run_00000(fd, close):\n" + "\n" * before + "    close(fd)\n" + "\n" * after +
                 "    return fd\n", "<made-00000>", "exec"), scope)
    return scope["run_00000"].__code__


BASES = made(0, 1), made(1, 0)
TABLES = [bytearray(getattr(base, TABLE)) for base in BASES]
assert len(TABLES[0]) == len(TABLES[1]) and TABLES[0] != TABLES[1]


def run(change):
    types.FunctionType(BASES[0].replace(**change), {})(os.open("/dev/null", 0), os.close)


if os.environ.get("FDTRACE_SIM_WAIT"):
    print("ready", flush=True)
    sys.stdin.read(1)
elif os.environ.get("FDTRACE_SIM_PAUSE"):
    time.sleep(float(os.environ["FDTRACE_SIM_PAUSE"]))
for i in range(int(sys.argv[1])):
    text = "%05d" % (i // 3)
    shift = 0
    if i % 3 == 0:
        run({key: "run_" + text for key in NAMES})
    elif i % 3 == 1:
        run({"co_filename": "<made-" + text + ">"})
    else:
        shift = i // 3 % 2
        run({TABLE: bytes(TABLES[shift])})
    print("run_" + (text if i % 3 == 0 else "00000"),
          "<made-" + (text if i % 3 == 1 else "00000") + ">", 2 + shift)
