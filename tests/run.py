#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Runs every kind of test, goes on after a failure, and ends with one line that counts them.

Each part is a make target of its own. A part that keeps no count counts as one test.
"""

import os
import re
import subprocess
import sys
import time

# (make target, what its output says of one more test that passed, failed, was skipped)
CMOCKA = (r"\[  PASSED  \] (\d+) test", r"\[  FAILED  \] (\d+) test", r"\[  SKIPPED \] (\d+) test")
PYTEST = (r"(\d+) passed", r"(\d+) (?:failed|errors?)\b", r"(\d+) skipped")
GOLDEN = (r"golden: (\d+) passed", r"golden: \d+ passed, (\d+) failed", r"golden: .* (\d+) skipped")
VM = (r"vm: (\d+) passed", r"vm: \d+ passed, (\d+) failed", r"vm: .* (\d+) skipped")
FUZZ = (r"fuzz: (\d+) passed", r"fuzz: \d+ passed, (\d+) failed", r"fuzz: .* (\d+) skipped")
PARTS = [
    ("strict-gcc", None),
    ("strict-clang", None),
    ("lint", None),
    ("unit", CMOCKA),
    ("unit-sanitized", CMOCKA),
    ("golden-check", GOLDEN),
    ("fuzz-check", FUZZ),
    ("e2e", PYTEST),
    ("adversary", PYTEST),
    ("vm-quick", VM),
]


def run(target):
    """The output and the exit status of make TARGET; the output is shown as it comes."""
    # The variables of the make above us go down; its job slots cannot.
    flags = [word for word in os.environ.get("MAKEFLAGS", "").split(" ")
             if not word.startswith(("-j", "--jobserver"))]
    make = ["make", "--no-print-directory", "-s", f"-j{os.cpu_count()}", target]
    process = subprocess.Popen(make, env={**os.environ, "MAKEFLAGS": " ".join(flags)},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    lines = []
    for line in process.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        lines.append(line.decode(errors="replace"))
    return lines, process.wait()


def count(lines, status, patterns):
    """(passed, failed, skipped) of one part; never a pass where the part failed."""
    if patterns is None:
        return (0, 1, 0) if status else (1, 0, 0)
    if patterns is PYTEST:
        lines = [line for line in lines if re.search(r" in \d+\.\d+s", line)][-1:]
    passed, failed, skipped = (sum(int(n) for line in lines for n in re.findall(pattern, line))
                               for pattern in patterns)
    if status and not failed:
        failed = 1
    if not status and not passed and not skipped:
        failed = 1  # a part that ran nothing proves nothing
    return passed, failed, skipped


def main():
    totals, bad = [0, 0, 0], []
    started = time.monotonic()
    for target, patterns in PARTS:
        print(f"== {target}", flush=True)
        lines, status = run(target)
        counts = count(lines, status, patterns)
        totals = [total + n for total, n in zip(totals, counts)]
        if counts[1]:
            bad.append(target)
    if bad:
        print(f"failed: {', '.join(bad)}")
    print(f"took {time.monotonic() - started:.0f} s")
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
