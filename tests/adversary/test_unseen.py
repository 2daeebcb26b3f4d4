# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A number is opened and closed where no hook sees it, between two closes that are seen: whoever
closed it before is then not known, and nothing is told as a fact that rests on it."""
import contextlib
import subprocess
from pathlib import Path

import pytest

import harness

PROGRAMS = Path(__file__).parent / "programs"
ROUNDS = 3
STRANGER = "A process that is not traced shares these descriptors"
RING = "An io_uring closes descriptors here"
# Longer than fdtrace takes two calls of two processes for such as may have overlapped.
PAUSE = 300


@contextlib.contextmanager
def waiting(program, *arguments, flags=()):
    """(the process, the pids that it says)."""
    command = [harness.build(PROGRAMS / program, *flags), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        line = process.stdout.readline()
        if line.startswith("skip"):
            pytest.skip(line)
        yield process, line.split()
        assert process.wait(harness.TIMEOUT) == 0


def findings(process, pids, *options):
    """What is told of those, from an attach on."""
    targets = [word for pid in pids for word in ("-p", pid)]
    run = harness.Run(["--all", *options, *targets]).attached()
    process.stdin.write("go\n")
    process.stdin.close()
    return run.finish().findings


def are_doubted(found, why):
    assert len(found) == ROUNDS, found
    for finding in found:
        assert finding["kind"] in ("double_close", "double_close_unseen")
        assert finding["certainty"] == "suspected"
        assert any(note.startswith(why) for note in finding["notes"]), finding["notes"]


@pytest.mark.parametrize("victim", ["parent", "child"])
def test_table_of_two_processes(victim):
    """The other one is not traced."""
    with waiting("shared_table.c", victim, 0) as (process, (parent, child)):
        traced = parent if victim == "parent" else child
        are_doubted(findings(process, [traced], "--no-follow"), STRANGER)


def test_table_of_a_child_that_is_left_alone():
    command = [harness.build(PROGRAMS / "shared_table.c"), "parent", "0"]
    run = harness.Run(["--all", "--no-follow"], command, stdin=subprocess.PIPE)
    run.process.stdin.write(b"go\n")
    run.process.stdin.close()
    are_doubted([f for f in run.finish().findings], STRANGER)


@pytest.mark.parametrize("victim", ["parent", "child"])
def test_table_of_two_traced_processes(victim):
    """Then all of it is seen: it is the other's close that came before."""
    with waiting("shared_table.c", victim, PAUSE) as (process, pids):
        found = findings(process, pids, "--no-follow")
    assert len(found) == ROUNDS
    for finding in found:
        assert finding["certainty"] == "fact"
        assert finding["what"]["path"] == "/etc/group"
        closer = finding["sites"]["closed"]["tid"]
        assert closer == int(pids[1] if victim == "parent" else pids[0])


@pytest.mark.parametrize("how", ["registered", "inherited", "received", "taken"])
def test_ring(how):
    with waiting("ring.c", how) as (process, pids):
        found = findings(process, pids)
    if any(f["sites"]["closed"].get("call") == "io_uring_enter" for f in found):
        return  # the hooks of this kernel tell of its closes
    are_doubted(found, RING)


def test_32_bit_calls():
    """They are followed: the close before is theirs."""
    result = harness.started([harness.build(PROGRAMS / "compat.c", "-static", "-no-pie")], ["--all"])
    if "skip" in result.stdout:
        pytest.skip(result.stdout)
    assert len(result.findings) == ROUNDS
    for finding in result.findings:
        assert (finding["kind"], finding["certainty"]) == ("double_close", "fact")
        assert finding["what"]["path"] == "/etc/group"
        assert finding["sites"]["closed"]["call"] == "close"
