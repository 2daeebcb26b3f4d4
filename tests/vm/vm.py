#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Runs tests of the end-to-end suite, or a command, under Debian's kernels.

One kernel: its exit status is ours. Several: side by side, and a table at the end; 0 when all
tests of all kernels that could be had have passed.
"""
import argparse
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
from kernels import ARCH

ROOT = Path(__file__).resolve().parents[2]
# Emulation is 12-25 times slower: limits grow, what is asserted stays.
SLOW = "20"
ABSENT = "not to be had"
# Not this machine's: the Pythons in it would repeat what a kernel does not change.
NO_HOME = "/run/home"


@dataclass
class Results:
    """Of one kind of hook."""

    counts: Counter = field(default_factory=Counter)
    reasons: Counter = field(default_factory=Counter)  # of skipped tests
    failed: list = field(default_factory=list)


@dataclass
class Outcome:
    kernel: str
    release: str = ""
    status: int = 1
    hook_kinds: dict = field(default_factory=dict)  # name: Results
    trouble: str = ""  # why there are no results

    @property
    def good(self):
        return self.status == 0 and not self.trouble


def program(arch):
    """Ours of an architecture, as make builds it."""
    return ROOT / "fdtrace" if arch == ARCH else ROOT / "build" / arch / "fdtrace"


def test_command(args):
    return ["/usr/bin/python3", "tests/vm/hook_kinds.py", "/run/share", args.extent, *args.hooks]


def read_results(path):
    results = Results()
    for case in xml.parse(path).iter("testcase"):
        skipped = case.find("skipped")
        bad = case.find("failure") is not None or case.find("error") is not None
        results.counts["skipped" if skipped is not None else "failed" if bad else "passed"] += 1
        if skipped is not None:
            results.reasons[skipped.get("message", "")] += 1
        elif bad:
            results.failed.append(case.get("name"))
    return results


def run(series, command, args, output=None):
    outcome = Outcome(series)
    environment = {"HOME": NO_HOME, "PATH": os.environ["PATH"], "FDTRACE_TEST_SLOW": SLOW,
                   "FDTRACE_TEST_GUEST": "1", "FDTRACE": str(program(args.arch))}
    with tempfile.TemporaryDirectory(prefix="fdtrace-share-") as share:
        try:
            kernel = kernels.fetch(series, args.arch)
            outcome.release = kernel.release
            outcome.status = guest.run(
                *(kernel, shlex.join(command)), share=Path(share), env=environment, cwd=ROOT,
                cpus=args.cpus, timeout=args.timeout, append=args.append, output=output,
            )
        except kernels.Unavailable as error:
            outcome.trouble = f"{ABSENT}: {error}"
        except guest.Died as error:
            outcome.trouble = str(error)
        for path in sorted(Path(share).glob("*.xml"), key=os.path.getmtime):
            outcome.hook_kinds[path.stem] = read_results(path)
    return outcome


def rows_of(outcome):
    """One row for each kind of hook, and one for each more reason."""
    head = (outcome.kernel, outcome.release)
    for hook_kind, results in outcome.hook_kinds.items():
        counts = [str(results.counts[k]) for k in ("passed", "failed", "skipped")]
        why = [f"{n} skipped: {reason}" for reason, n in results.reasons.most_common()]
        why += [f"failed: {name}" for name in results.failed] or [""]
        yield (*head, hook_kind, *counts, why[0])
        yield from (("", "", "", "", "", "", more) for more in why[1:] if more)
        head = ("", "")
    if not outcome.good or not outcome.hook_kinds:
        trouble = outcome.trouble or f"exit status {outcome.status}"
        yield (*head, "-", "-", "-", "-", trouble)


def table(outcomes):
    rows = [("kernel", "release", "hook", "passed", "failed", "skipped", "")]
    rows += [row for outcome in outcomes for row in rows_of(outcome)]
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    total = sum((r.counts for o in outcomes for r in o.hook_kinds.values()), Counter())
    gone = sum(o.trouble.startswith(ABSENT) for o in outcomes)
    print("vm: {passed} passed, {failed} failed, {skipped} skipped".format(
        passed=total["passed"], failed=total["failed"], skipped=total["skipped"] + gone))


def matrix(command, args):
    """Every kernel at once, one processor each; the guests' output is in files."""
    logs = ROOT / "build" / "vm"
    logs.mkdir(parents=True, exist_ok=True)

    def one(series):
        with open(logs / f"{series}-{args.arch}.log", "wb") as log:
            return run(series, command, args, log)

    with ThreadPoolExecutor(args.jobs) as pool:
        outcomes = list(pool.map(one, args.kernel))
    table(outcomes)
    print(f"the guests' output: {logs.relative_to(ROOT)}/")
    return 0 if all(o.good or o.trouble.startswith(ABSENT) for o in outcomes) else 1


def single(command, args):
    outcome = run(args.kernel[0], command, args)
    if outcome.trouble:
        print(f"vm: {outcome.kernel}: {outcome.trouble}", file=sys.stderr)
    return outcome.status


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernel", action="append", choices=list(kernels.SUITES))
    parser.add_argument("--arch", choices=list(guest.BOARDS), default=ARCH)
    parser.add_argument("--extent", choices=["quick", "many", "most", "full"], default="many",
                        help="which tests of the end-to-end suite")
    parser.add_argument("--hooks", action="append", default=[], metavar="NAME",
                        help="on this one alone; may be given again")
    parser.add_argument("--skip-absent", action="store_true",
                        help="no failure if this machine lacks what a guest needs")
    parser.add_argument("--append", default="", help="more words for the kernel's command line")
    parser.add_argument("--cpus", type=int, default=1, help="of the guest")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="guests at once")
    parser.add_argument("--timeout", type=float, metavar="SECONDS",
                        help="of one guest; unless given, two hours, and twelve for full")
    parser.add_argument("command", nargs="*", help="instead of tests")
    args = parser.parse_args()
    args.kernel = args.kernel or list(kernels.SUITES)
    args.timeout = args.timeout or (12 if args.extent == "full" else 2) * 3600
    return args


def main():
    args = arguments()
    lacking = guest.lacking(args.arch)
    if lacking:
        why = f"not installed: {', '.join(lacking)} (see packaging/run vm-deps)"
        if not args.skip_absent:
            sys.exit(f"vm: {why}")
        table([Outcome(series, trouble=f"{ABSENT}: {why}") for series in args.kernel])
        return 0
    if os.geteuid() != 0:
        sys.exit("vm: the whole of the machine's root is shared: run it as root")
    # An end by a signal takes the guests with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    command = args.command or test_command(args)
    return (single if len(args.kernel) == 1 else matrix)(command, args)


if __name__ == "__main__":
    sys.exit(main())
