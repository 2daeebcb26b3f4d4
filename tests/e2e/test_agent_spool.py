# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""fdtrace agent: what it knows of bugs from before, however it ended, and how much it says at once."""
import os
import shutil
import signal
import sqlite3
import stat
import sys

import pytest

import harness
import schema
from test_agent import (ONCE_MORE, TWICE, agent, be_met, cgroup, get,  # noqa: F401 (a fixture)
                        run_in, samples)
from test_privileges import as_nobody


def with_spool(folder, more=""):
    return f"[spool]\npath = {folder}/state/spool.db\n{more}"


@pytest.fixture
def state(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


def seen(running):
    return [(f["seen"]["state"], f["seen"]["count"]) for f in running.lines() if "seen" in f]


def commits(running):
    return samples(get(running, "/metrics")[2])["fdtrace_spool_commits_total",]


def run_once(running, cgroup, script):
    """And its finding is written, and what is known of its bug is on the disk."""
    before, findings = commits(running), len(running.findings())
    run_in(cgroup, sys.executable, "-I", "-S", str(script))
    harness.wait_until(lambda: len(running.findings()) > findings, "the finding is written")
    harness.wait_until(lambda: commits(running) > before, "it is known on the disk")


def kill(running):
    running.process.send_signal(signal.SIGKILL)
    running.process.wait(harness.TIMEOUT)


def test_known_after_a_kill(cgroup, tmp_path, state):
    """What has been told once is not new to the next agent, whatever ended the one before."""
    for name in "ab":
        (tmp_path / f"{name}.py").write_text(ONCE_MORE.replace("twice", name))
    scope = f"include = cgroup:{cgroup[0]}"
    with agent(tmp_path, scope, with_spool(tmp_path)) as running:
        be_met(cgroup, running)
        run_once(running, cgroup, tmp_path / "a.py")
        assert seen(running) == [("new", 1)]
        kill(running)
    with agent(tmp_path, scope, with_spool(tmp_path)) as running:
        be_met(cgroup, running)
        run_once(running, cgroup, tmp_path / "a.py")
        run_once(running, cgroup, tmp_path / "b.py")
        assert seen(running) == [("new", 1), ("known", 2), ("new", 1)]
        first, again, _ = running.findings()
        assert again["bug"] == first["bug"]
        assert again["seen"]["first_unix_nano"] == first["time_unix_nano"]
        assert again["seen"]["last_unix_nano"] == first["time_unix_nano"]
        assert running.end() == 0, running.stderr()
    assert stat.S_IMODE((state / "spool.db").stat().st_mode) == 0o600
    with sqlite3.connect(state / "spool.db") as database:
        assert database.execute("SELECT count FROM bug ORDER BY count").fetchall() == [(1,), (2,)]
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_counts_are_kept_at_the_end(cgroup, tmp_path, state):
    (tmp_path / "a.py").write_text(TWICE + "for _ in range(7):\n    twice(os.open('/dev/null', os.O_RDONLY))\n")
    for _ in range(2):
        with agent(tmp_path, f"include = cgroup:{cgroup[0]}", with_spool(tmp_path)) as running:
            be_met(cgroup, running)
            run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
            assert running.end() == 0, running.stderr()
    assert seen(running) == [("new", 1), ("known", 8)]


def test_damaged_between_starts(cgroup, tmp_path, state):
    """It is set aside and said; the agent goes on with a new one."""
    (tmp_path / "a.py").write_text(ONCE_MORE)
    for round in range(2):
        with agent(tmp_path, f"include = cgroup:{cgroup[0]}", with_spool(tmp_path)) as running:
            damaged = samples(get(running, "/metrics")[2])["fdtrace_spool_set_aside_total",]
            assert damaged == (1 if round else 0)
            be_met(cgroup, running)
            run_once(running, cgroup, tmp_path / "a.py")
            assert running.end() == 0
        if not round:
            with (state / "spool.db").open("r+b") as file:
                file.write(b"\xff" * 8192)
    assert f"{state}/spool.db.damaged" in running.stderr()
    assert seen(running) == [("new", 1), ("new", 1)]
    assert (state / "spool.db.damaged").read_bytes()[:8192] == b"\xff" * 8192


def test_spool_cannot_be_opened(cgroup, tmp_path):
    """Findings are told all the same; when there is a place for it, it is taken."""
    (tmp_path / "a.py").write_text(ONCE_MORE)
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}", with_spool(tmp_path)) as running:
        running.wait_for("cannot write to the spool .*: No such file or directory")
        be_met(cgroup, running)
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        harness.wait_until(lambda: running.findings(), "it is told")
        (tmp_path / "state").mkdir(mode=0o700)
        harness.wait_until(lambda: samples(get(running, "/metrics")[2])["fdtrace_spool_works",] == 1,
                           "the spool is taken")
        assert running.end() == 0
    with sqlite3.connect(tmp_path / "state" / "spool.db") as database:
        assert database.execute("SELECT count FROM bug").fetchall() == [(1,)]


def test_spool_of_nobody(cgroup, tmp_path):
    """With what the unit gives, in a folder that the unit would make."""
    binary, folder = tmp_path / "fdtrace", tmp_path / "nobody"
    shutil.copy(harness.FDTRACE, binary)
    (tmp_path / "a.py").write_text(ONCE_MORE)
    folder.mkdir()
    for path in (folder, *tmp_path.parents[:-2], tmp_path):
        path.chmod(path.stat().st_mode | 0o011)
    os.chown(folder, 65534, 65534)
    words = [*as_nobody(("bpf", "perfmon", "sys_ptrace", "dac_read_search")), str(binary)]
    more = f"[spool]\npath = {folder}/spool.db\n"
    for _ in range(2):
        with agent(folder, f"include = cgroup:{cgroup[0]}", more, words=words) as running:
            be_met(cgroup, running)
            run_once(running, cgroup, tmp_path / "a.py")
            assert running.end() == 0, running.stderr()
    assert seen(running) == [("new", 1), ("known", 2)]
    assert (folder / "spool.db").stat().st_uid == 65534


def test_no_more_than_may_be_told(cgroup, tmp_path):
    """Of many bugs at once some are held back, counted, and said to have been."""
    code = TWICE + "".join(f"def f{i}():\n    twice(os.open('/dev/null', os.O_RDONLY))\nf{i}()\n"
                           for i in range(30))
    (tmp_path / "a.py").write_text(code)
    more = "[limits]\nfindings_per_minute = 1\nfindings_burst = 10\n"
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}", more) as running:
        be_met(cgroup, running)
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        counted = ("fdtrace_findings_suppressed_total", "rate")
        harness.wait_until(lambda: samples(get(running, "/metrics")[2])[counted] == 20, "20 are counted")
        assert running.end() == 0, running.stderr()
    assert seen(running) == [("new", 1)] * 10
    held = [line["count"] for line in running.lines() if line["kind"] == "suppressed"]
    assert sum(held) == 20
    schema.validate(running.lines())
    assert running.lines()[-1]["findings"]["double_close"] == 30
