# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Counts: every double close is told, none twice, none lost."""
import re
import signal
import time

import harness

PRIME = """
import os
for _ in range(997):
    fd = os.open("/dev/null", os.O_RDONLY)
    os.close(fd)
    try:
        os.close(fd)
    except OSError:
        pass
"""

# Each thread has numbers of its own, so that no second close hits another thread's descriptor.
THREADS = """
import fcntl, os, threading
def work(base):
    for _ in range(2500):
        fd = fcntl.fcntl(0, fcntl.F_DUPFD, base)
        os.close(fd)
        try:
            os.close(fd)
        except OSError:
            pass
threads = [threading.Thread(target=work, args=(300 + 100 * i,)) for i in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def lost(result):
    return sum(result.summary["lost"].values())


def test_prime(python):
    result = harness.started([python.path, "-c", PRIME])
    assert lost(result) == 0
    assert {f["kind"] for f in result.findings} == {"double_close"}
    assert result.count("double_close") == 997


def test_ten_thousand_in_four_threads(python):
    result = harness.started([python.path, "-c", THREADS])
    assert lost(result) == 0
    assert {f["kind"] for f in result.findings} == {"double_close"}
    assert result.count("double_close") == 10000
    assert {f["certainty"] for f in result.findings} == {"fact"}
    assert all(f["sites"]["bad"]["tid"] == f["sites"]["closed"]["tid"] for f in result.findings)


TINY = ["--ring-size", "4K"]


def correct_program(python):
    return harness.waiting([python.path, str(harness.SIM / "ten_thousand_ok.py")])


def test_losses_accuse_nobody(python):
    """A reader that keeps falling behind: what was lost is counted, and no verdict rests on it."""
    with correct_program(python) as process:
        run = harness.Run([*TINY, "-p", str(process.pid)]).attached()
        process.stdin.write(b"x")
        process.stdin.flush()
        while process.poll() is None:
            run.process.send_signal(signal.SIGSTOP)
            time.sleep(0.003)
            run.process.send_signal(signal.SIGCONT)
            time.sleep(0.003)
    run.process.send_signal(signal.SIGINT)
    result = run.finish()
    assert lost(result) > 1000
    assert result.findings == []


def test_ends_although_the_exit_was_lost(python):
    """Even the record of the process's end may be lost: fdtrace ends with it all the same."""
    with correct_program(python) as process:
        run = harness.Run([*TINY, "-p", str(process.pid)]).attached()
        run.process.send_signal(signal.SIGSTOP)
        process.communicate(b"x", timeout=harness.TIMEOUT)
        run.process.send_signal(signal.SIGCONT)
    result = run.finish()
    assert lost(result) > 1000
    assert result.findings == []


def test_text_folds_repeats(python):
    """One report for one bug, and how often it happened."""
    run = harness.Run([], [python.path, "-c", PRIME], json_lines=False)
    result = run.finish()
    assert result.stdout == ""
    assert result.stderr.count("EBADF") < 10
    assert re.search(r"\b997\b", result.stderr), result.stderr
