#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""In the guest: runs end-to-end tests on every rung of the ladder that this kernel has.

rungs.py RESULTS quick|many|full: pytest's results go to RESULTS/RUNG.xml. All hooks feed the same
code: the most tests run on the hook that every kernel has, and on the others those that go through
every kind of call; fewer where attaching takes long, in emulation.
Ends with 0 when all passed, on at least one rung.
"""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FDTRACE = str(ROOT / "fdtrace")
SYSTEM = "(system or test_c) and not reference"
# Every simulator, with the Python that the machine's own tools use.
MANY = ["tests/e2e/test_sim.py", "tests/e2e/test_exact.py", "-k", f"{SYSTEM} and not ten_thousand"]
# Every shape of call, and stacks: closing, copying, ranges, uses, forks, exec, threads.
WORDS = ["double_close.py", "double_close.c", "kinds.c", "close_range.c", "use_after_close.py",
         "before_attach.c", "fork_child_double.py", "exec_ok.py", "double_close_threads.py"]


def simulators(words):
    return ["tests/e2e/test_sim.py", "-k", f"{SYSTEM} and ({' or '.join(words)})"]


FEW = simulators(WORDS)
PLAIN = "double_close.py and not asyncio and not executor"
QUICK = simulators(["double_close.c and started", "kinds.c and started", PLAIN])
ONE = simulators([f"{PLAIN} and started"])
# extent: (on tp_btf, on others, on those that attach slowly)
EXTENTS = {"quick": (QUICK, QUICK, ONE), "many": (MANY, FEW, QUICK), "full": (["tests/e2e"],) * 3}
SLOWLY = 10


def rungs():
    """Those that work: from what fdtrace says of them."""
    said = subprocess.run([FDTRACE, "--probe"], stdout=subprocess.PIPE, text=True).stdout
    print(said, flush=True)
    found = re.findall(r"^(\w+) +(?:works|no: this kernel takes)", said, re.M)
    return list(dict.fromkeys(found))


def tests_for(rung, extent):
    most, others, slow = EXTENTS[extent]
    if rung == "tp_btf":
        return most
    start = time.monotonic()
    subprocess.run([FDTRACE, "-q", "--attach", rung, "--", "true"])
    return slow if time.monotonic() - start > SLOWLY else others


def pytest(rung, tests, results):
    print(f"== {rung}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"]
    command += ["--tb=short", f"--junitxml={results}/{rung}.xml", *tests]
    environment = {**os.environ, "FDTRACE_TEST_ATTACH": rung}
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def main():
    results, extent = sys.argv[1:]
    found = rungs()
    status = 0 if found else 1
    for rung in found:
        status = pytest(rung, tests_for(rung, extent), results) or status
    return status


if __name__ == "__main__":
    sys.exit(main())
