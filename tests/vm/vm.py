#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Runs tests of the end-to-end suite, or a command, under Debian's kernels.

One kernel: its exit status is ours. Several: side by side, and a table at the end; 0 when all
tests of all kernels that could be had have passed.
"""
import argparse
import contextlib
import os
import shlex
import signal
import sys
import tempfile
import xml.etree.ElementTree as xml
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import guest
import kernels

ROOT = Path(__file__).resolve().parents[2]
RESULTS = "junit.xml"
# Emulation is 12-25 times slower: limits grow, what is asserted stays.
SLOW = "20"
# Without --full: every simulator, traced, with the Python that the machine's own tools use.
SELECTION = ["tests/e2e/test_sim.py", "tests/e2e/test_exact.py"]
SELECTION += ["-k", "(system or test_c) and not reference and not ten_thousand"]


@dataclass
class Outcome:
    kernel: str
    release: str = ""
    status: int = 1
    counts: Counter = field(default_factory=Counter)
    reasons: Counter = field(default_factory=Counter)  # of skipped tests
    failed: list = field(default_factory=list)
    trouble: str = ""  # why there are no results

    @property
    def good(self):
        return self.status == 0 and not self.trouble


def pytest_command(selection):
    return [
        *("/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"),
        *("--tb=short", f"--junitxml=/run/share/{RESULTS}", *selection),
    ]


def read_results(path, outcome):
    for case in xml.parse(path).iter("testcase"):
        skipped = case.find("skipped")
        bad = case.find("failure") is not None or case.find("error") is not None
        outcome.counts["skipped" if skipped is not None else "failed" if bad else "passed"] += 1
        if skipped is not None:
            outcome.reasons[skipped.get("message", "")] += 1
        elif bad:
            outcome.failed.append(case.get("name"))


def run(series, command, args, output=None):
    outcome = Outcome(series)
    environment = {k: os.environ[k] for k in ("HOME", "PATH") if k in os.environ}
    environment.update(PYTHONDONTWRITEBYTECODE="1", FDTRACE_TEST_SLOW=SLOW)
    with tempfile.TemporaryDirectory(prefix="fdtrace-share-") as share:
        try:
            kernel = kernels.fetch(series)
            outcome.release = kernel.release
            outcome.status = guest.run(
                *(kernel, shlex.join(command)), share=Path(share), env=environment, cwd=ROOT,
                cpus=args.cpus, timeout=args.timeout, append=args.append, output=output,
            )
        except kernels.Unavailable as error:
            outcome.trouble = f"not to be had: {error}"
        except guest.Died as error:
            outcome.trouble = str(error)
        with contextlib.suppress(FileNotFoundError):
            read_results(Path(share) / RESULTS, outcome)
    return outcome


def table(outcomes):
    rows = [("kernel", "release", "passed", "failed", "skipped", "")]
    for o in outcomes:
        counts = [str(o.counts[k]) if o.counts else "-" for k in ("passed", "failed", "skipped")]
        why = [f"{n} skipped: {reason}" for reason, n in o.reasons.most_common()]
        why += [f"failed: {name}" for name in o.failed]
        if not o.good:
            why.append(o.trouble or f"exit status {o.status}")
        rows.append((o.kernel, o.release, *counts, why[0] if why else ""))
        rows += [("", "", "", "", "", more) for more in why[1:]]
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def matrix(command, args):
    """Every kernel at once, one processor each; the guests' output is in files."""
    logs = ROOT / "build" / "vm"
    logs.mkdir(parents=True, exist_ok=True)

    def one(series):
        with open(logs / f"{series}.log", "wb") as log:
            return run(series, command, args, log)

    with ThreadPoolExecutor(args.jobs) as pool:
        outcomes = list(pool.map(one, args.kernel))
    table(outcomes)
    print(f"the guests' output: {logs.relative_to(ROOT)}/")
    return 0 if all(o.good or o.trouble.startswith("not to be had") for o in outcomes) else 1


def single(command, args):
    outcome = run(args.kernel[0], command, args)
    if outcome.trouble:
        print(f"vm: {outcome.kernel}: {outcome.trouble}", file=sys.stderr)
    return outcome.status


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernel", action="append", choices=list(kernels.SUITES))
    parser.add_argument("--full", action="store_true", help="the whole end-to-end suite")
    parser.add_argument("--append", default="", help="more words for the kernel's command line")
    parser.add_argument("--cpus", type=int, default=1, help="of the guest")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="guests at once")
    parser.add_argument("--timeout", type=float, default=7200, metavar="SECONDS")
    parser.add_argument("command", nargs="*", help="instead of tests")
    args = parser.parse_args()
    args.kernel = args.kernel or list(kernels.SUITES)
    return args


def main():
    args = arguments()
    lacking = guest.lacking()
    if lacking:
        sys.exit(f"vm: not installed: {', '.join(lacking)} (see packaging/run vm-deps)")
    if os.geteuid() != 0:
        sys.exit("vm: the whole of the machine's root is shared: run it as root")
    # An end by a signal takes the guests with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    command = args.command or pytest_command(["tests/e2e"] if args.full else SELECTION)
    return (single if len(args.kernel) == 1 else matrix)(command, args)


if __name__ == "__main__":
    sys.exit(main())
