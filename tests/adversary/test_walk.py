# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Walks at random through all ways to open and close, seen and unseen: no fact is false by the
walk's own log (walked.py).

FDTRACE_TEST_LONG: how many seconds all walks together last about, 20 unless given.
"""
import collections
import os
import random
import subprocess
import time

import pytest

import harness
from walked import LOG_FD, Walk, make_log

PROGRAMS = harness.ROOT / "tests" / "adversary" / "programs"
SECONDS = float(os.environ.get("FDTRACE_TEST_LONG", "20"))
OPERATIONS = 60_000
# (how fdtrace comes to it, its options)
WAYS = {
    "command": ("command", []),
    "command, children left alone": ("command", ["--no-follow"]),
    "attached, with its children": ("attach", []),
    "attached, children left alone": ("attach", ["--no-follow"]),
}


class Sums(collections.Counter):
    def __str__(self):
        return ", ".join(f"{value} {name}" for name, value in sorted(self.items()))


def walk(way, seed, operations, folder):
    """(findings, Walk) of one walk under fdtrace."""
    how, options = WAYS[way]
    program = harness.build(PROGRAMS / "walk.c", "-static", "-no-pie")
    log = make_log(folder / "log", operations)
    options = ["--all", "--ring-size", "64M", *options]
    with open(log, "r+b") as file:
        os.dup2(file.fileno(), LOG_FD, inheritable=True)
    try:
        command = [program, str(operations), str(seed), str(seed % 16)]
        if how == "command":
            result = harness.Run(options, [*command, "now"],
                                 pass_fds=(LOG_FD,)).finish(seconds=LIMIT)
            assert result.code == 0, result.stderr
            return result, Walk(log, 0)
        result, attached_ns = attached(command, options)
        return result, Walk(log, attached_ns)
    finally:
        os.close(LOG_FD)


LIMIT = 20 * SECONDS + harness.TIMEOUT


def attached(command, options):
    """(the run, CLOCK_BOOTTIME once fdtrace was attached)"""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          pass_fds=(LOG_FD,), text=True) as process:
        assert process.stdout.readline() == "ready\n"
        run = harness.Run([*options, "-p", str(process.pid)]).attached()
        attached_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        process.stdin.write("go\n")
        process.stdin.close()
        result = run.finish(seconds=LIMIT)
        assert process.wait(LIMIT) == 0
    return result, attached_ns


def judge(way, seed, operations, folder):
    """The sums of one walk; its false facts fail it."""
    result, truth = walk(way, seed, operations, folder)
    findings = [f for f in result.findings if f["fd"] >= 0 and f["kind"] != "close_sweep"]
    truth.set_clock(findings)
    facts = [f for f in findings if f["certainty"] == "fact"]
    wrong = [(why, f) for f in facts if (why := truth.why_false(f))]
    assert not wrong, (way, seed, len(wrong), len(facts), wrong[0])
    notes = collections.Counter(n for f in findings if f["certainty"] != "fact" for n in f["notes"] if "python" not in n)
    return Sums(calls=truth.count, failures=sum(map(len, truth.failures.values())),
                facts=len(facts), suspected=len(findings) - len(facts),
                lost=sum(result.summary["lost"].values()))


@pytest.mark.parametrize("way", WAYS)
def test_walk(way, tmp_path, capsys):
    sums, began = Sums(), time.monotonic()
    seed = random.SystemRandom().randrange(1 << 31) if SECONDS > 20 else 1
    while True:
        sums += judge(way, seed, OPERATIONS, tmp_path)
        if time.monotonic() - began > SECONDS / len(WAYS):
            break
        seed += 1
    with capsys.disabled():
        print(f"\n{way}: {sums} in {time.monotonic() - began:.0f} s")
    # Neither fact nor suspicion would be no false fact, too.
    assert sums["facts"] + sums["suspected"] > sums["failures"] / 10
