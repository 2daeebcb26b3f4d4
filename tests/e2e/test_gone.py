# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Gone when it is gone: what fdtrace has put into the kernel goes with it.

Witnesses are the kernel's own lists: of programs and links, by the ids of those that fdtrace held,
and of the functions that are hooked.
"""
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import harness
from harness import Run, waiting
from test_probe import HOOK_KINDS, need

FUNCTIONS = [Path("/sys/kernel/tracing/enabled_functions"),
             Path("/sys/kernel/debug/tracing/enabled_functions")]
BPFTOOL = "/usr/sbin/bpftool"
FORCED = os.environ.get("FDTRACE_TEST_ATTACH")
# The kernel's waits are what they are in emulation, too; what it computes meanwhile takes longer.
EMULATED = harness.SLOW > 1
GONE_SECONDS = 5 if EMULATED else 1
EXIT_SECONDS = 0.05 * harness.SLOW
ATTEMPTS = 8  # at an end on a machine that does nothing else just then

pytestmark = pytest.mark.skipif(not os.access(BPFTOOL, os.X_OK), reason=f"no {BPFTOOL} here")


def held(pid):
    """The ids of what a process holds: {("prog", id), ("link", id)}."""
    found = set()
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        found |= set(re.findall(r"^(prog|link)_id:\s*(\d+)$", info.read_text(), re.M))
    return {(kind, int(number)) for kind, number in found}


def listed(kind):
    said = subprocess.run([BPFTOOL, "-j", kind, "list"], capture_output=True, check=True).stdout
    return {(kind, entry["id"]) for entry in json.loads(said or "[]")}


def hooked():
    """The functions that anything hooks; none where that cannot be seen."""
    for path in FUNCTIONS:
        try:
            return {("function", line.split()[0]) for line in path.read_text().splitlines()}
        except OSError:
            pass  # not mounted, or locked down
    return set()


def ended(process, before):
    """Ends an attached fdtrace as Ctrl-C does: (seconds that took, what it had in the kernel)."""
    had = held(process.pid) | (hooked() - before)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(harness.TIMEOUT)
    return time.monotonic() - start, had


def left(had):
    """What is still there of it, at the latest after the time that is promised."""
    deadline = time.monotonic() + GONE_SECONDS
    while True:
        still = had & (listed("prog") | listed("link") | hooked())
        if not still or time.monotonic() > deadline:
            return still
        time.sleep(0.05)


@pytest.mark.parametrize("hook_kind", [FORCED] if FORCED else HOOK_KINDS)
def test_nothing_is_left(hook_kind, python):
    """A second after its end no program, no link and no hooked function of fdtrace is there; and
    whoever has pressed Ctrl-C does not wait for that."""
    if not FORCED:
        need(hook_kind)
    fastest = harness.TIMEOUT
    with waiting([python.path, str(harness.SIM / "double_close.py")]) as traced:
        for _ in range(ATTEMPTS):
            before = hooked()
            options = [*([] if FORCED else ["--hooks", hook_kind]), "-p", str(traced.pid)]
            run = Run(options).attached()
            # The destructor of code objects is watched a moment later.
            time.sleep(0.3 * min(harness.SLOW, 3))
            seconds, had = ended(run.process, before)
            assert {kind for kind, _ in had} >= {"prog", "link"}
            assert left(had) == set(), run.stderr()
            assert run.finish().code == 0
            fastest = min(fastest, seconds)
            if fastest < EXIT_SECONDS:
                break
    assert fastest < EXIT_SECONDS
