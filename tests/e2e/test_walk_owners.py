# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A random walk over all that owns a descriptor: what is told as a fact is true by the walk's own log.

FDTRACE_TEST_LONG: how many seconds the walks of each Python last. Unless given, one Python walks for
a second.
"""
import os
import subprocess
import time

import pytest

import harness
from ownerwalk import Walked

LONG = os.environ.get("FDTRACE_TEST_LONG")
SECONDS = float(LONG or "1")
PYTHONS = harness.pythons_once() if LONG else [harness.system_python()]
WALK = 1  # seconds each: more walks find more than longer ones
PROGRAM = harness.ROOT / "tests" / "e2e" / "programs" / "owner_walk.py"
UNTOLD = 0.02
# Calls of two threads that come within microseconds fit in more than one order: then it is suspected,
# but told.
SUSPECTED_OF_THREADS = 0.4
# Steps that come before fdtrace does.
BEFORE = 60
OPTIONS = ["--all", "--ring-size", "64M"]


def walk(python, folder, seed, threads, before=0):
    """One walk under fdtrace, judged."""
    log = folder / f"log{seed}"
    command = [python.path, str(PROGRAM), str(log), str(threads), str(WALK), str(seed)]
    if before:
        process = subprocess.Popen([*command, str(before)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=harness.clean_env())
        with process:
            assert process.stdout.readline() == b"ready\n"
            run = harness.Run([*OPTIONS, "-p", str(process.pid)]).attached()
            time.sleep(0.2)
            process.stdin.close()
    else:
        run = harness.Run(OPTIONS, command, harness.pausing(python))
    result = run.finish()
    walked = Walked(log.read_text())
    assert walked.whole and not walked.failed, walked.failed
    assert not any(result.summary["lost"].values())
    walked.judge(result.findings)
    return walked


def judged(python, folder, threads=1, before=0, suspected=UNTOLD):
    due = missed = unsaid = 0
    for seed in range(1, 1 + max(1, int(SECONDS / WALK))):
        walked = walk(python, folder, seed, threads, before)
        false = [(why, finding["explanation"], call) for why, finding, call in walked.false]
        assert not false, (seed, len(false), false[:2])
        all_due, all_missed, _ = walked.missed()
        due, missed = due + sum(all_due.values()), missed + sum(all_missed.values())
        unsaid += len(walked.unsaid())
    assert due > 20
    assert unsaid <= max(1, UNTOLD * due), (unsaid, due)
    assert missed <= max(1, suspected * due), (missed, due)


@pytest.mark.parametrize("python", [pytest.param(p, id=p.label) for p in PYTHONS])
def test_walk(python, tmp_path):
    judged(python, tmp_path)


def test_threads(python, tmp_path):
    judged(python, tmp_path, threads=3, suspected=SUSPECTED_OF_THREADS)


def test_attached_in_the_middle(python, tmp_path):
    judged(python, tmp_path, before=BEFORE)
