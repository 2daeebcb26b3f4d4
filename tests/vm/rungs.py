#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""In the guest: runs end-to-end tests on every rung of the ladder that this kernel has.

rungs.py RESULTS quick|full|BROAD...: pytest's results go to RESULTS/RUNG.xml. The rung that fdtrace
takes by itself runs the most tests; the others those that go through every kind of call.
Ends with 0 when all passed, on at least one rung.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FDTRACE = str(ROOT / "fdtrace")
SIMULATORS = ["tests/e2e/test_sim.py", "tests/e2e/test_exact.py"]
# Every simulator, with the Python that the machine's own tools use.
MANY = [*SIMULATORS, "-k", "(system or test_c) and not reference and not ten_thousand"]
# Every shape of call, and a stack: closing, copying, ranges, uses, forks, exec, threads.
WORDS = ["double_close.py", "double_close.c", "kinds.c", "close_range.c", "use_after_close.py",
         "before_attach.c", "fork_child_double.py", "exec_ok.py", "double_close_threads.py"]
FEW = ["tests/e2e/test_sim.py", "-k",
       f"(system or test_c) and not reference and ({' or '.join(WORDS)})"]
QUICK = ["tests/e2e/test_sim.py", "-k",
         "not reference and ((test_c and (double_close.c or kinds.c or close_range.c)) or "
         "(system and (double_close.py or use_after_close.py)))"]


def rungs():
    """Those that work, and whether fdtrace takes it by itself: from what it says of them."""
    said = subprocess.run([FDTRACE, "--probe"], stdout=subprocess.PIPE, text=True).stdout
    print(said, flush=True)
    found = {}
    for name, text in re.findall(r"^(\w+) +(works.*|no: this kernel takes .*)", said, re.M):
        found[name] = found.get(name, False) or text.startswith("works, taken")
    return found


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
    for rung, taken in found.items():
        tests = {"full": ["tests/e2e"], "quick": QUICK}.get(extent, MANY if taken else FEW)
        status = pytest(rung, tests, results) or status
    return status


if __name__ == "__main__":
    sys.exit(main())
