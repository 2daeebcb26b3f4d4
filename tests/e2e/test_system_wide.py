# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Every process of a machine: only in a guest of our own, where nobody else's are."""
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import harness
from harness import Run, waiting

# Again and again: where hooks can be preempted, a call among many may be lost, and is counted.
DOUBLE = str(Path(__file__).parent / "programs" / "closes_forever.py")
TURNS = ["30", "0.01"]
pytestmark = pytest.mark.skipif("FDTRACE_TEST_GUEST" not in os.environ,
                                reason="not a machine of its own: make test-vm")


def end(run):
    time.sleep(harness.SLOW / 2)
    run.process.send_signal(signal.SIGINT)
    return run.finish()


def test_old_and_new_processes(python):
    """One that runs already, one that comes later; with their stacks."""
    with waiting([python.path, DOUBLE, *TURNS]) as old:
        run = Run(["--system-wide"]).attached()
        assert "tracing every process" in run.stderr()
        old.communicate(b"x", timeout=harness.TIMEOUT)
        subprocess.run(["sh", "-c", f"{python.path} {DOUBLE} {' '.join(TURNS)}; :"], env=harness.clean_env(),
                       stdout=subprocess.DEVNULL, timeout=harness.TIMEOUT)
        result = end(run)
    found = [f for f in result.findings if f["kind"] == "double_close"]
    pids = {f["process"]["pid"] for f in found}
    assert result.code == 0
    assert old.pid in pids and len(pids) == 2, result.summary
    for finding in found:
        assert finding["sites"]["bad"]["python_status"] == "complete", finding


def test_every_call_is_somebody_elses(python):
    """What fdtrace does to write its lines makes no more of them."""
    run = Run(["--system-wide", "--events"]).attached()
    subprocess.run([python.path, DOUBLE, *TURNS], env=harness.clean_env(), stdout=subprocess.DEVNULL,
                   timeout=harness.TIMEOUT)
    result = end(run)
    assert result.calls
    assert not [c for c in result.calls if c["pid"] == run.process.pid]
