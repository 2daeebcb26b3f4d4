#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""In the guest: runs end-to-end tests on every kind of hook that this kernel has.

hook_kinds.py RESULTS quick|many|most|full [KIND ...]: pytest's results go to RESULTS/KIND.xml. All
feed the same code: the most tests run on the hook that every kernel has (if it sees all calls
there), and on the others those that go through every kind of call. On each: that it goes as it ends.
full: all on each. KIND: on these alone, which must work.
Ends with 0 when all passed, on at least one kind.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FDTRACE = os.environ.get("FDTRACE", str(ROOT / "fdtrace"))
SYSTEM = "(system or test_c) and not reference"
GONE, GONE_FILE = "nothing_is_left", "tests/e2e/test_gone.py"
# Every simulator, with the Python that the machine's own tools use.
MANY = ["tests/e2e/test_sim.py", "tests/e2e/test_exact.py", "tests/e2e/test_system_wide.py", "-k",
        f"{SYSTEM} and not ten_thousand or system_wide or {GONE}", GONE_FILE]
# Every shape of call, and stacks: closing, copying, ranges, uses, forks, exec, threads; owners.
WORDS = ["double_close.py", "double_close.c", "kinds.c", "close_range.c", "use_after_close.py",
         "before_attach.c", "fork_child_double.py", "exec_ok.py", "double_close_threads.py",
         "reused_file.py", "reused_socket.py", "two_owners.py", "owned_before.py"]


def simulators(words):
    return ["tests/e2e/test_sim.py", GONE_FILE, "-k", f"{SYSTEM} and ({' or '.join(words)}) or {GONE}"]


FEW = simulators(WORDS)
PLAIN = "double_close.py and started and not asyncio and not executor"
QUICK = simulators(["double_close.c and started", "kinds.c and started", PLAIN])
# And what can be tried in a machine of its own alone, and what a kernel keeps for root.
FIRST = ["tests/e2e/test_system_wide.py", "tests/e2e/test_privileges.py", *QUICK[:-1],
         f"{QUICK[-1]} or system_wide or see_owners"]
# What traces nothing is left out: the simulators by themselves.
FULL = ["tests/e2e", "-k", "not reference"]
# Closed twice, behind an owner's back and by it, made before the attach and after; two of one number.
OWNERS = simulators(["owned_before.py and attached", "two_owners.py and started and not unowned"])
# extent: (on that one, on others)
EXTENTS = {"quick": (FIRST, OWNERS), "many": (MANY, FEW), "most": (FULL, FEW), "full": (FULL, FULL)}


def hook_kinds():
    """(those that work, the one for the most tests), from what fdtrace says: tp_btf, or where that
    loses calls the one that is taken."""
    said = subprocess.run([FDTRACE, "--check-kernel"], stdout=subprocess.PIPE, text=True).stdout
    print(said, flush=True)
    found, taken, losing = [], None, set()
    for part in re.split(r"^(?=\w)", said, flags=re.M):
        works = re.match(r"(\w+) +works(, taken)?", part)
        if works:
            hook_kind, is_taken = works.groups()
            found.append(hook_kind)
            taken = hook_kind if is_taken else taken
            losing |= {hook_kind} if "counted as lost" in " ".join(part.split()) else set()
    return list(dict.fromkeys(found)), taken if "tp_btf" in losing else "tp_btf"


def tests_for(hook_kind, extent, main):
    most, others = EXTENTS[extent]
    return most if hook_kind == main else others


def pytest(hook_kind, tests, results):
    print(f"== {hook_kind}", flush=True)
    # A line for each test as it ends (pytest.ini is quiet by one): this may take an hour.
    command = [sys.executable, "-m", "pytest", "-vv", "-rs", "-p", "no:cacheprovider", "--color=no"]
    command += ["--tb=short", "--durations=5", f"--junitxml={results}/{hook_kind}.xml", *tests]
    environment = {**os.environ, "FDTRACE_TEST_ATTACH": hook_kind}
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def main():
    results, extent, *wanted = sys.argv[1:]
    found, main_hook_kind = hook_kinds()
    wanted = wanted or found
    status = 0 if wanted and set(wanted) <= set(found) else 1
    for hook_kind in [name for name in found if name in wanted]:
        status = pytest(hook_kind, tests_for(hook_kind, extent, main_hook_kind), results) or status
    return status


if __name__ == "__main__":
    sys.exit(main())
