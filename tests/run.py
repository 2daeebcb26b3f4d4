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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

# (make target, what its output says of one more test that passed, failed, was skipped)
CMOCKA = (r"\[  PASSED  \] (\d+) test", r"\[  FAILED  \] (\d+) test", r"\[  SKIPPED \] (\d+) test")
PYTEST = (r"(\d+) passed", r"(\d+) (?:failed|errors?)\b", r"(\d+) skipped")
GOLDEN = (r"golden: (\d+) passed", r"golden: \d+ passed, (\d+) failed", r"golden: .* (\d+) skipped")
VM = (r"vm: (\d+) passed", r"vm: \d+ passed, (\d+) failed", r"vm: .* (\d+) skipped")
FUZZ = (r"fuzz: (\d+) passed", r"fuzz: \d+ passed, (\d+) failed", r"fuzz: .* (\d+) skipped")
# Stages follow each other. Of each, the parts that are timed by a clock, or by a person who waits, run
# one after the other; beside them, more modestly and one at a time, those that only compute.
STAGES = [
    ([("strict-gcc", None), ("strict-clang", None), ("lint", None), ("unit", CMOCKA)], []),
    ([("e2e-beside", PYTEST)],
     [("unit-sanitized", CMOCKA), ("golden-check", GOLDEN), ("fuzz-check", FUZZ)]),
    ([("e2e-alone", PYTEST), ("adversary", PYTEST)], [("vm-quick", VM)]),
]
MODEST = ["nice", "-n", "10"]


@dataclass
class Part:
    """What came of it."""

    target: str
    lines: list
    counts: tuple
    seconds: float


def run(target, prefix=(), show=None):
    """The output and the exit status of make TARGET; show(line) is called as it comes."""
    # The variables of the make above us go down; its job slots cannot.
    flags = [word for word in os.environ.get("MAKEFLAGS", "").split(" ")
             if not word.startswith(("-j", "--jobserver"))]
    make = [*prefix, "make", "--no-print-directory", "-s", f"-j{os.cpu_count()}", target]
    process = subprocess.Popen(make, env={**os.environ, "MAKEFLAGS": " ".join(flags)},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    lines = []
    for line in process.stdout:
        if show:
            show(line)
        lines.append(line.decode(errors="replace"))
    return lines, process.wait()


def write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def run_part(target, patterns, **how):
    started = time.monotonic()
    lines, status = run(target, **how)
    return Part(target, lines, count(lines, status, patterns), time.monotonic() - started)


def stage(first, others):
    """Runs the first ones, with their output as it comes, and shows that of the others then."""
    done = []
    with ThreadPoolExecutor(1) as pool:
        beside = [pool.submit(run_part, *part, prefix=MODEST) for part in others]
        for part in first:
            write(f"== {part[0]}\n".encode())
            done.append(run_part(*part, show=write))
        for future in beside:
            part = future.result()
            write("".join([f"== {part.target}\n", *part.lines]).encode())
            done.append(part)
    return done


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
    done = []
    started = time.monotonic()
    for first, others in STAGES:
        done += stage(first, others)
    bad = [part.target for part in done if part.counts[1]]
    if bad:
        print(f"failed: {', '.join(bad)}")
    each = ", ".join(f"{part.target} {part.seconds:.0f}" for part in done)
    print(f"took {time.monotonic() - started:.0f} s: {each}")
    print("{} passed, {} failed, {} skipped".format(*map(sum, zip(*(p.counts for p in done)))))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
