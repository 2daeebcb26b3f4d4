#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What tracing costs a Python program that does nothing but open and close.

One process (worker.py) runs the same loops bare, under fdtrace with full stacks, without asking who
owns what (--ownership=off: unowned), with C stacks of every call too (--native=all), while fdtrace traces another process, under strace, and under
bpftrace with a native stack for each call. The tracers attach and detach while it waits, so every
number comes from the same process; the order rotates from round to round. The medians are printed
beside each other.

Of fdtrace, each measurement also checks that it saw every call and lost nothing.
"""

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import tracers

WORKER = Path(__file__).resolve().parent / "worker.py"

LOOPS = {"object": "open().close()", "raw": "os.close(os.open())"}
DEPTHS = (5, 20)
CASES = [(loop, depth) for loop in LOOPS for depth in DEPTHS]

# --check: the highest ratio to bare at the greatest depth, and how much less time than
# strace fdtrace may add: with full stacks, without asking who owns what. What that adds on top is
# the processor's price of a trap (uprobe), and shown beside it.
RATIO_LIMITS = {"object": 1.3, "raw": 2.0}
STRACE_FACTOR = 30
CHECKED = "unowned"


class Worker:
    """A process that runs loops on command."""

    def __init__(self, python):
        self.process = subprocess.Popen([python, str(WORKER)], encoding="ascii", bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit(f"bench: the worker ended at: {command}")
        return answer

    def canary(self):
        self.ask("canary")

    def measure(self, loop, depth, count, path):
        """Nanoseconds for one iteration."""
        return int(self.ask(f"{loop} {depth} {count} {path}")) / count

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure_arm(arm, worker, options, path):
    """{case: nanoseconds} under one arm."""
    count = max(options.count // arm.slowness, 1)
    results = {}
    with arm.attached() as tracer:
        for loop, depth in CASES:
            worker.measure(loop, depth, max(count // 10, 1), path)  # warm
            results[loop, depth] = worker.measure(loop, depth, count, path)
        if arm.target is worker:
            tracer.expect(2 * len(CASES) * (count + max(count // 10, 1)))
    return results


def measure(arms, worker, options, path):
    """{case: {arm name: [nanoseconds, one a round]}}."""
    results = {case: {arm.name: [] for arm in arms} for case in CASES}
    for number in range(options.rounds):
        shift = number % len(arms)
        for arm in arms[shift:] + arms[:shift]:
            for case, ns in measure_arm(arm, worker, options, path).items():
                results[case][arm.name].append(ns)
        if sys.stderr.isatty():
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    return results


def summarize(results):
    """One row for each case: medians, their ratio to bare, and what they add to it."""
    rows = []
    for (loop, depth), arms in results.items():
        bare = statistics.median(arms["bare"])
        row = {"loop": loop, "depth": depth, "arms": {}}
        for name, values in arms.items():
            median = statistics.median(values)
            row["arms"][name] = {"median_ns": round(median), "ratio": round(median / bare, 3),
                                 "added_ns": round(median - bare),
                                 "ns": [round(value) for value in values]}
        rows.append(row)
    return rows


def strace_factor(row, arm):
    """How many times more time strace adds than this arm, or None. Infinite within the noise."""
    if "strace" not in row["arms"]:
        return None
    added = row["arms"][arm]["added_ns"]
    return row["arms"]["strace"]["added_ns"] / added if added > 0 else math.inf


def print_table(report):
    names = list(report["rows"][0]["arms"])
    print(f"{report['python']}, Linux {report['kernel']}, {report['cpus']} CPUs.",
          f"Nanoseconds for one open and close:\nmedian of {report['rounds']} alternating rounds",
          f"of {report['count']} (ratio to bare). Depth: Python frames at the call.\n")
    print(f"{'loop':26}{'bare':>8}" + "".join(f"{name:>16}" for name in names[1:]))
    for row in report["rows"]:
        label = f"{LOOPS[row['loop']]}, {row['depth']}"
        line = f"{label:26}{row['arms']['bare']['median_ns']:8}"
        for name in names[1:]:
            arm = row["arms"][name]
            ratio = f"({arm['ratio']:.{2 if arm['ratio'] < 10 else 0}f}x)"
            line += f"{arm['median_ns']:8} {ratio:>7}"
        print(line)
    print()
    for row in report["rows"]:
        for arm in ("fdtrace", "unowned"):
            factor = strace_factor(row, arm)
            if factor is not None:
                print(f"{LOOPS[row['loop']]}, {row['depth']}: {arm} adds",
                      f"{row['arms'][arm]['added_ns']} ns, strace {factor:.0f} times as much")
    print(f"fdtrace: {report['records']} records of {report['calls']} calls, {report['lost']} lost")
    for name, reason in report["skipped"].items():
        print(f"{name}: skipped: {reason}")


def missed_aims(report):
    """The aims that this measurement misses, in words."""
    missed = []
    for row in report["rows"]:
        if row["depth"] != max(DEPTHS):
            continue
        label = f"{LOOPS[row['loop']]}, depth {row['depth']}"
        ratio, limit = row["arms"][CHECKED]["ratio"], RATIO_LIMITS[row["loop"]]
        if ratio > limit:
            missed.append(f"{label}: {ratio:.2f}x bare, aim {limit}x")
        factor = strace_factor(row, CHECKED)
        if factor is None:
            missed.append(f"{label}: strace was not measured")
        elif factor < STRACE_FACTOR:
            missed.append(f"{label}: strace adds {factor:.0f} times as much, aim {STRACE_FACTOR}")
    return missed


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter to trace")
    parser.add_argument("--fdtrace", default=str(WORKER.parents[2] / "fdtrace"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=20000,
                        help="iterations of one loop (a twentieth under strace)")
    parser.add_argument("--path", help="file that the loops open (default: a temporary file)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.add_argument("--check", action="store_true", help="fail if the aims are missed")
    return parser.parse_args()


def build_arms(options, worker, other, folder):
    """The arms that can run here, and why the others cannot."""
    fdtrace = tracers.Fdtrace(options.fdtrace, folder)
    arms = [tracers.Arm("bare", tracers.Bare(), worker),
            tracers.Arm("fdtrace", fdtrace, worker),
            tracers.Arm("unowned",
                        tracers.Fdtrace(options.fdtrace, folder, "--ownership=off"), worker),
            tracers.Arm("--native=all",
                        tracers.Fdtrace(options.fdtrace, folder, "--native=all"), worker),
            tracers.Arm("fdtrace, other", fdtrace, other)]
    skipped = {}
    for name, tracer, slowness in (("strace", tracers.Strace(), 20),
                                   ("bpftrace", tracers.Bpftrace(), 1)):
        reason = tracer.unusable()
        if reason:
            skipped[name] = reason
        else:
            arms.append(tracers.Arm(name, tracer, worker, slowness))
    return arms, skipped, fdtrace


def run(options, folder):
    path = options.path or os.path.join(folder, "file")
    Path(path).touch()
    version = subprocess.run([options.python, "-V"], stdout=subprocess.PIPE, encoding="ascii",
                             check=True).stdout.strip()
    with tracers.tracefs():
        worker, other = Worker(options.python), Worker(options.python)
        arms, skipped, fdtrace = build_arms(options, worker, other, folder)
        rows = summarize(measure(arms, worker, options, path))
        worker.end()
        other.end()
    return {"python": version, "kernel": platform.release(), "cpus": os.cpu_count(),
            "rounds": options.rounds, "count": options.count, "rows": rows, "skipped": skipped,
            "records": fdtrace.records, "calls": fdtrace.calls, "lost": fdtrace.lost}


def main():
    options = parse_arguments()
    if os.geteuid() != 0:
        sys.exit("bench: tracing needs root: sudo make bench")
    folder = tempfile.mkdtemp(prefix="fdtrace-bench-")
    try:
        report = run(options, folder)
    except tracers.Failure as failure:
        sys.exit(f"bench: {failure}")
    finally:
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps(report))
    else:
        print_table(report)
    missed = missed_aims(report) if options.check else []
    for text in missed:
        print(f"bench: missed: {text}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
