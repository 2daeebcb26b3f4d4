# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""COMMAND ends, and processes that it started live on: waited for, said, or not."""
import os
import re
import signal
import time

import harness
import pytest
from harness import Run, started

STATUS = 7
WAITS = re.compile(r"has ended; waiting for process (\d+) \((\S+)\), which it left behind")
LEFT = re.compile(r"no longer traced, though not at an end: process (\d+) \((\S+)\), which")

# Its parent ends at once with a status of its own; it closes twice later, if it lives as long.
DAEMON = """
import os, signal, sys, time
if os.fork():
    sys.exit(%d)
os.setsid()
print(os.getpid(), flush=True)
for signum in %r:
    signal.signal(signum, signal.SIG_IGN)
time.sleep(%f)
r, w = os.pipe()
os.close(r)
try:
    os.close(r)
except OSError:
    print("symptom", flush=True)
time.sleep(%f)
"""


def daemon(python, before=1.0, after=0.2):
    return [python.path, "-c", DAEMON % (STATUS, [], before, after)]


def on_one_line(text):
    return " ".join(text.split())


def pid_of(run):
    return int(harness.wait_until(lambda: run.out.read_text().split(), "the daemon runs")[0])


def kill(pid):
    os.kill(int(pid), signal.SIGKILL)


def test_what_a_daemon_does_is_seen(python):
    result = started(daemon(python))
    assert "symptom" in result.stdout
    assert result.count("double_close") == 1
    assert result.code == STATUS
    said = WAITS.findall(on_one_line(result.stderr))
    assert len(said) == 1 and said[0][0] == result.stdout.split()[0]
    assert said[0][1].startswith("python")
    assert not LEFT.search(on_one_line(result.stderr))


def test_the_last_of_several_is_waited_for(python):
    """Each of the two closes twice."""
    script = f"{python.path} -c \"$0\"; {python.path} -c \"$0\""
    result = started(["sh", "-c", script, DAEMON % (0, [], 1.5, 0.1)])
    assert result.count("double_close") == 2 and result.code == 0
    text = on_one_line(result.stderr)
    assert len(re.findall(r"has ended; waiting for 2 processes, such as \d+ \(", text)) == 1, text


def test_no_wait(python):
    before = time.monotonic()
    result = started(daemon(python, before=20), ["--no-wait"])
    assert time.monotonic() - before < 15
    assert result.findings == [] and result.code == STATUS
    text = on_one_line(result.stderr)
    assert LEFT.search(text) and not WAITS.search(text)
    kill(LEFT.search(text).group(1))


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait(python, signum):
    """At once; the status stays COMMAND's. The daemon is not harmed."""
    run = Run([], daemon(python, before=30))
    pid = pid_of(run)
    harness.wait_until(lambda: WAITS.search(on_one_line(run.stderr())), "the wait is said")
    run.process.send_signal(signum)
    before = time.monotonic()
    result = run.finish()
    assert time.monotonic() - before < 1 * harness.SLOW
    assert result.code == STATUS
    assert LEFT.search(on_one_line(result.stderr)).group(1) == str(pid)
    kill(pid)


def test_a_signal_that_ends_command_ends_all(python):
    """Ctrl-C is meant for what runs now: nobody waits for the daemon that ignores it."""
    script = f"{python.path} -c \"$0\"; exec sleep 60"
    run = Run([], ["sh", "-c", script, DAEMON % (0, [int(signal.SIGTERM)], 30.0, 0.1)])
    pid = pid_of(run)
    run.process.send_signal(signal.SIGTERM)
    before = time.monotonic()
    result = run.finish()
    assert time.monotonic() - before < 2 * harness.SLOW
    assert result.code == 128 + signal.SIGTERM
    # Its parent may not be quite over then.
    assert "no longer traced, though not at an end" in on_one_line(result.stderr)
    kill(pid)


def test_quiet(python):
    assert started(daemon(python, before=1.0), ["-q"]).stderr == ""
    result = started(daemon(python, before=3.0), ["-q", "--no-wait"])
    assert result.stderr == ""
    kill(result.stdout.split()[0])


def test_what_ends_with_it_is_not_spoken_of(python):
    result = started(daemon(python, before=0.05, after=0.0))
    assert result.count("double_close") == 1
    assert not WAITS.search(on_one_line(result.stderr))


def test_not_followed_is_not_waited_for(python):
    before = time.monotonic()
    result = started(daemon(python, before=20), ["--no-follow"])
    assert time.monotonic() - before < 15 and result.code == STATUS
    assert not LEFT.search(on_one_line(result.stderr))
    kill(result.stdout.split()[0])
