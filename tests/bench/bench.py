#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What tracing costs a Python thread that does nothing but calls on descriptors.

One process (worker.py) runs the same loops under each arm: bare; traced by fdtrace without asking
who owns what (unowned: --ownership=off), with full stacks and ownership (default), and with C
stacks of every call (native: --native=all); while fdtrace traces another process (other); under
strace; under bpftrace with a native stack for each call. The tracers attach and detach while it
waits, so every number comes from the same process; the order rotates from round to round. What
ownership adds is small beside how much faster or slower the machine is from one second to the next;
it is measured between two such processes, traced at once, one with ownership, the other without.

What is counted is the CPU time of the looping thread, in slices of less than a millisecond, of
which the lower quartile is taken: what else the machine does then hardly matters. Time that the
thread spends waiting, as it does for strace at every call, is no part of it.

Of fdtrace, each measurement also checks that it saw every call and lost nothing, and takes the time
from SIGINT until it is gone: that one by the clock, since it is a person who waits.
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

import figures
import tracers

WORKER = Path(__file__).resolve().parent / "worker.py"

# Loop: (turns of one slice, depths). A slice takes a quarter to half a millisecond, less than the
# scheduler gives a thread. What depth costs shows in two loops as well as in all.
LOOPS = {"open": (100, (5, 20)), "raw": (300, (5, 20)), "socket": (100, (5,)),
         "fileio": (200, (5,)), "fstat": (1000, (5,))}
ARMS = ("bare", "unowned", "default", "native", "other", "strace", "bpftrace")
FDTRACE_OPTIONS = {"unowned": ["--ownership=off"], "default": [], "native": ["--native=all"],
                   "other": []}
# Divides the number of slices: strace makes each last ten times as long and more.
STRACE_SLOWNESS = 4
# The slices of a case are not made in a row, but so often a part of them.
PASSES = 8


class Worker:
    """A process that runs loops on command."""

    def __init__(self, python):
        self.process = subprocess.Popen([python, str(WORKER)], encoding="utf-8", bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.calls = 0

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit(f"bench: the worker ended at: {command}")
        return answer

    def canary(self):
        self.ask("canary")

    def measure(self, loop, depth, slices, path):
        """Nanoseconds of one turn, for each slice. Counts the calls that fdtrace must report."""
        turns = LOOPS[loop][0]
        self.calls += 2 * slices * (1 if loop == "fstat" else turns)
        answer = self.ask(f"{loop} {depth} {turns} {slices} {path}")
        return [int(ns) / turns for ns in answer.split()]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure_arm(arm, cases, worker, options, path):
    """{case: nanoseconds} under one arm. It goes over the cases several times, so that the slices
    of each are from all the time that the tracer was attached."""
    slices = max(options.slices // arm.slowness // PASSES, 1)
    taken = {case: [] for case in cases}
    with arm.attached() as tracer:
        before = worker.calls
        for number in range(PASSES + 1):
            for case in cases:
                ns = worker.measure(*case, slices, path)
                if number > 0:  # the first warms up
                    taken[case] += ns
        if arm.target is worker:
            tracer.expect(worker.calls - before)
    return {case: figures.lower_quartile(ns) for case, ns in taken.items()}


def measure_pair(owned, unowned, cases, options, path):
    """{case: how many times as long a turn takes with ownership as without}, of two processes that
    are traced at once, the one so, the other so: some slices of the one, some of the other."""
    arms = owned, unowned
    slices = max(options.slices // PASSES, 1)
    ratios = {}
    with owned.attached() as with_owners, unowned.attached() as without:
        before = [arm.target.calls for arm in arms]
        for case in cases:
            taken = [], []
            for number in range(PASSES + 1):
                for arm, ns in zip(arms, taken):
                    answer = arm.target.measure(*case, slices, path)
                    if number > 0:  # the first warms up
                        ns += answer
            ratios[case] = figures.lower_quartile(taken[0]) / figures.lower_quartile(taken[1])
        with_owners.expect(owned.target.calls - before[0])
        without.expect(unowned.target.calls - before[1])
    return ratios


def measure_owned(arms, cases, workers, options, path):
    """As measure_pair, of both ways to divide the roles: no two processes are equally fast."""
    first, second = (
        measure_pair(tracers.Arm("default", arms["default"].tracer, owned),
                     tracers.Arm("unowned", arms["unowned"].tracer, unowned),
                     cases, options, path)
        for owned, unowned in (workers, workers[::-1]))
    return {case: math.sqrt(first[case] * second[case]) for case in cases}


def measure_round(order, cases, workers, options, path):
    """{case: {arm name: nanoseconds}}, means of the times that the arm comes up in the order."""
    visits = {case: {arm.name: [] for arm in order} for case in cases}
    for arm in order:
        for case, ns in measure_arm(arm, cases, workers[0], options, path).items():
            visits[case][arm.name].append(ns)
    return {case: {name: statistics.mean(ns) for name, ns in arms.items()}
            for case, arms in visits.items()}


def measure(arms, workers, options, path):
    """What figures.py takes: ({case: {arm name: [nanoseconds]}}, {case: [default / unowned]}), one
    a round."""
    cases = [(loop, depth) for loop in options.loops for depth in LOOPS[loop][1]]
    by_name = {arm.name: arm for arm in arms}
    results = {case: {name: [] for name in by_name} for case in cases}
    owned = {case: [] for case in cases}
    # The difference of these two divides the figure of ownership, so they come up again.
    again = [by_name[name] for name in ("bare", "unowned", "bare") if "unowned" in by_name]
    for number in range(options.rounds):
        shift = number % len(arms)
        order = arms[shift:] + arms[:shift] + again
        for case, ns in measure_round(order, cases, workers, options, path).items():
            for name in by_name:
                results[case][name].append(ns[name])
        if {"default", "unowned"} <= set(by_name):
            for case, ratio in measure_owned(by_name, cases, workers, options, path).items():
                owned[case].append(ratio)
        if sys.stderr.isatty():
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    return results, owned


def names_of(known):
    """For argparse: some of the known names, separated by commas, in the order known."""
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name}: not one of {', '.join(known)}")
        return [name for name in known if name in names]
    return parse


def at_least_one(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter to trace")
    parser.add_argument("--fdtrace", default=str(WORKER.parents[2] / "fdtrace"))
    parser.add_argument("--loops", type=names_of(LOOPS), default=list(LOOPS),
                        help=f"some of {','.join(LOOPS)}")
    parser.add_argument("--arms", type=names_of(ARMS), default=list(ARMS),
                        help=f"some of {','.join(ARMS)}; bare always is among them")
    parser.add_argument("--rounds", type=at_least_one, default=9)
    parser.add_argument("--slices", type=at_least_one, default=80,
                        help="slices of one loop in a round (a quarter of them under strace)")
    parser.add_argument("--path", help="file that the loops open (default: a temporary file)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.add_argument("--check", action="store_true", help="fail if the aims are missed")
    options = parser.parse_args()
    if options.check and not {"unowned", "default"} <= set(options.arms):
        parser.error("--check takes the arms unowned and default")
    return options


def build_arms(options, worker, other, folder):
    """The arms that are asked for and can run here, and why the others cannot."""
    arms, skipped = [tracers.Arm("bare", tracers.Bare(), worker)], {}
    for name in options.arms:
        if name in FDTRACE_OPTIONS:
            tracer = tracers.Fdtrace(options.fdtrace, folder, *FDTRACE_OPTIONS[name])
            arms.append(tracers.Arm(name, tracer, other if name == "other" else worker))
    for name, tracer, slowness in (("strace", tracers.Strace(), STRACE_SLOWNESS),
                                   ("bpftrace", tracers.Bpftrace(), 1)):
        if name not in options.arms:
            continue
        reason = tracer.unusable()
        if reason:
            skipped[name] = reason
        else:
            arms.append(tracers.Arm(name, tracer, worker, slowness))
    return arms, skipped


def describe(python):
    """(path, name and version) of an interpreter, as it says itself."""
    code = ("import sys, platform; print(sys.executable);"
            "print(platform.python_implementation(), platform.python_version())")
    return subprocess.run([python, "-c", code], stdout=subprocess.PIPE, encoding="utf-8",
                          check=True).stdout.splitlines()


def run(options, folder):
    path = options.path or os.path.join(folder, "file")
    Path(path).touch()
    executable, version = describe(options.python)
    with tracers.tracefs():
        workers = Worker(options.python), Worker(options.python)
        arms, skipped = build_arms(options, *workers, folder)
        rows = figures.summarize(*measure(arms, workers, options, path))
        for worker in workers:
            worker.end()
    fdtraces = {arm.name: arm.tracer for arm in arms if arm.name in FDTRACE_OPTIONS}
    total = lambda field: sum(getattr(tracer, field) for tracer in fdtraces.values())
    return {"executable": executable, "python": version, "kernel": platform.release(),
            "cpus": os.cpu_count(), "rounds": options.rounds, "slices": options.slices,
            "rows": rows, "skipped": skipped,
            "gone_ms": figures.summarize_gone({n: t.gone_ms for n, t in fdtraces.items()}),
            "records": total("records"), "calls": total("calls"), "lost": total("lost")}


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
        figures.print_tables(report)
    missed = list(figures.missed_aims(report)) if options.check else []
    for text in missed:
        print(f"bench: missed: {text}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
