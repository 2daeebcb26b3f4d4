# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Processes that give root's fdtrace much to keep: it stays below what the man page says, lets go of
what has ended, and makes nothing up about what it has forgotten."""
import contextlib
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import harness
from harness import Run

PROGRAM = Path(__file__).parent / "programs" / "hoard.c"
# The man page's LIMITS, in KiB.
PROMISED = 256 << 10
# With room for it, what is asked of the kernel in a second is not lost.
ROOMY = ["--ring-size=64M"]


def hoard(*words):
    return [harness.build(PROGRAM), *map(str, words)]


def memory(run, field="VmHWM"):
    """Of fdtrace itself, in KiB."""
    text = Path(f"/proc/{run.process.pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M)[1])


@contextlib.contextmanager
def traced(command, options=()):
    """A COMMAND that has said that it is ready; and its end."""
    run = Run(list(options), command, stdin=subprocess.PIPE)
    try:
        harness.wait_until(lambda: "ready" in run.out.read_text(), "the program is ready")
        yield run
    finally:
        run.process.stdin.close()
        run.result = run.finish()


def settled(run):
    """The most that it took once it has read all that there was."""
    last, most = -1, 0
    while most != last:
        last = most
        time.sleep(1)
        most = memory(run)
    return most


@pytest.mark.parametrize("how, processes", [("inherit", 61), ("own", 16)])
def test_many_descriptors_in_many_processes(how, processes):
    with traced(hoard(how, processes, 19000)) as run:
        assert settled(run) < PROMISED
    forgotten = run.result.summary.get("forgotten")
    if how == "inherit":
        assert not forgotten, "what is inherited is shared"
    else:
        assert forgotten["descriptors"] > 0
    assert run.result.findings == []


def test_a_smaller_limit_is_kept():
    """Nearly all of what is beyond is what fdtrace needs to run."""
    with traced(hoard("own", 11, 19000), ["--memory=8M"]) as run:
        assert settled(run) < 64 << 10
    assert run.result.summary["forgotten"]["descriptors"] > 0


def test_what_was_forgotten_is_not_made_up():
    """The close before is not known any more: that the number was ever open is neither."""
    result = harness.started(hoard("forget", 19000), ["--memory=8M", *ROOMY])
    numbers = result.numbers()
    assert numbers["errno"] == 9
    assert result.summary["forgotten"]["descriptors"] > 0
    [finding] = [f for f in result.findings if f["fd"] == numbers["fd"]]
    assert finding["kind"] == "bad_fd" and finding["certainty"] == "suspected"
    assert "closed" not in finding["sites"] or "call" not in finding["sites"]["closed"]
    kept = harness.started(hoard("forget", 19000), ROOMY)
    [finding] = [f for f in kept.findings if f["fd"] == numbers["fd"]]
    assert finding["kind"] == "double_close" and finding["certainty"] == "fact"


def test_forgetting_is_said():
    text = harness.started(hoard("forget", 19000), ["--memory=8M", *ROOMY],
                           json_lines=False).stderr
    text = " ".join(text.split())
    assert re.search(r"Forgotten for want of room: [\d,]+ descriptors with their histories", text)
    assert "a larger --memory helps" in text


@pytest.mark.parametrize("options", [[], ["--drop=3"]], ids=["all", "lossy"])
def test_churn(options):
    """However many processes come and go, seen or not: what they leave is not kept."""
    run = Run(options, hoard("churn", 8), stdin=subprocess.PIPE)
    time.sleep(4 * harness.SLOW)
    early = memory(run, "VmRSS")
    harness.wait_until(lambda: "ready" in run.out.read_text(), "the churn is over")
    late = memory(run, "VmRSS")
    run.process.stdin.close()
    result = run.finish()
    assert result.summary["processes_seen"] > 500
    assert late - early < 4 << 10, (early, late)
    assert "forgotten" not in result.summary


def test_ends_that_were_lost():
    """Each second record is lost, of ends too: who has ended is let go all the same."""
    command = hoard("end", 400)
    with subprocess.Popen(["sh", "-c", 'read line; exec "$0" "$@"', *command],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            run = Run(["--drop=2", "-p", str(process.pid)]).attached()
            process.stdin.write(b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"ready\n"
            time.sleep(3 * harness.SLOW)
            run.process.send_signal(signal.SIGINT)
            result = run.finish()
        finally:
            process.stdin.close()
    assert result.summary["lost"]["process_events"] > 100
    assert result.summary["processes_seen"] > 100
    assert result.summary["processes"] == 1
    assert result.summary["descriptors"] < 20
