# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Pid namespaces: fdtrace inside one, its targets inside one, and both."""
import json
import subprocess
import sys

import pytest

import harness
from harness import FDTRACE, SIM, clean_env

pytestmark = pytest.mark.beside

DOUBLE = str(SIM / "double_close.py")
UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc"]


def inside(code):
    """What Python prints as JSON that runs code inside a pid namespace of its own."""
    code = f"import sys, json; sys.path.insert(0, {str(harness.ROOT / 'tests/e2e')!r})\n{code}"
    done = subprocess.run([*UNSHARE, sys.executable, "-B", "-c", code], env=harness.ENVIRON,
                          capture_output=True, text=True, timeout=harness.TIMEOUT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def assert_double_close(findings, python):
    (finding,) = [f for f in findings if f["kind"] == "double_close"]
    for site in ("bad", "closed", "opened"):
        names = [python.plain(frame["function"]) for frame in finding["sites"][site]["python"]]
        assert names[-1] == "<module>", names
    assert finding["process"]["runtime"].startswith("CPython 3.")
    return finding["process"]


ATTACH = """
import os, harness
real = harness.waiting
from contextlib import contextmanager
@contextmanager
def noted(*args, **kw):
    with real(*args, **kw) as process:
        noted.pid = process.pid
        yield process
harness.waiting = noted
result = harness.attached([{python!r}, {program!r}])
print(json.dumps([noted.pid, result.findings]))
"""


def test_inside_by_pid(python):
    """-p takes the pid that is seen there; findings name it, with their stacks."""
    pid, findings = inside(ATTACH.format(python=python.path, program=DOUBLE))
    process = assert_double_close(findings, python)
    assert process["pid"] == process["ns_pid"] == pid < 1000


def test_inside_command(python):
    code = f"import harness; r = harness.started([{python.path!r}, {DOUBLE!r}]); " \
           "print(json.dumps(r.findings))"
    process = assert_double_close(inside(code), python)
    assert process["pid"] == process["ns_pid"] < 1000


def test_inside_with_children_further_in(python):
    """A namespace below fdtrace's own: followed, and both pids are told."""
    command = [*UNSHARE, python.path, DOUBLE]
    code = f"import harness; print(json.dumps(harness.started({command!r}).findings))"
    process = assert_double_close(inside(code), python)
    assert process["ns_pid"] == 1 and 1 < process["pid"] < 1000


def test_target_inside(python):
    """fdtrace outside: its own view of the pid, and the program's."""
    result = harness.started([*UNSHARE, python.path, DOUBLE])
    process = assert_double_close(result.findings, python)
    assert process["ns_pid"] == 1 and process["pid"] > 1


def test_proc_of_another_namespace():
    """Numbers would mean two things: nothing is traced."""
    done = subprocess.run(["unshare", "--pid", "--fork", FDTRACE, "--", "true"], env=clean_env(),
                          capture_output=True, text=True, timeout=harness.TIMEOUT)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "pid namespace" in done.stderr
