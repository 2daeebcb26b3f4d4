# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""With less than root: what works, what is said, and what fdtrace gives up by itself."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import harness
from harness import Run, clean_env, waiting

ALL = {"bpf": 39, "perfmon": 38, "sys_ptrace": 19, "dac_read_search": 2}
KILL = 5
ADMIN = 21  # what the kernel wants for uprobes; only root has it
DOUBLE = str(harness.SIM / "double_close.py")
CLOSES = str(Path(__file__).parent / "programs" / "closes_forever.py")


# The memory of maps counts as locked there.
COUNTS_LOCKED = os.uname().release.startswith("5.10.")


def as_nobody(capabilities):
    """The words before a command that make it nobody's, with these capabilities."""
    sets = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    limit = ["prlimit", "--memlock=unlimited"] if COUNTS_LOCKED else []
    return [*limit, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
            "--inh-caps", sets, "--ambient-caps", sets, "--bounding-set", sets]


@pytest.fixture(scope="module")
def binary():
    """A copy where nobody may run it."""
    path = harness.build_dir() / "fdtrace-for-nobody"
    shutil.copy(harness.FDTRACE, path)
    return str(path)


@contextlib.contextmanager
def tracing(binary, capabilities, python, program=DOUBLE):
    """fdtrace of a nobody's, on a process of root's that waits; (the process, the run)."""
    with waiting([python.path, program]) as process:
        words = as_nobody(capabilities)
        folder = harness.build_dir() / f"out-{process.pid}"
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
        command = [*words, binary, "--json", "--all", "-o", str(folder / "j"), "-p", str(process.pid)]
        run = subprocess.Popen(command, env=clean_env(), stdin=subprocess.DEVNULL, cwd="/",
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        yield process, run, folder / "j"
        run.kill()
        run.communicate()


def read_until_attached(run):
    """fdtrace's lines up to its first one, or to its end."""
    lines = []
    for line in run.stderr:
        lines.append(line)
        if harness.ATTACHED.search(line):
            break
    return "".join(lines)


def status_of(pid):
    return dict(re.findall(r"^(\w+):\s*(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M))


def bits(*numbers):
    return sum(1 << n for n in numbers)


def test_four_capabilities_are_enough(binary, python):
    """The same finding, with its stacks, as a root's fdtrace has it."""
    with tracing(binary, ALL, python) as (process, run, out):
        said = read_until_attached(run)
        assert "missing" not in said and "tracing" in said
        status = status_of(run.pid)
        assert int(status["CapEff"], 16) == bits(*ALL.values()), status["CapEff"]
        process.communicate(b"x", timeout=harness.TIMEOUT)
        assert run.wait(harness.TIMEOUT) == 0
        text = out.read_text()
    assert '"kind":"double_close"' in text.replace(" ", "")
    assert "Store.close" in text


def innermost(call):
    return call["python"][0]["function"]


@pytest.mark.parametrize("program, closer, victim", [
    ("reused_file.py", "main", "victim"), ("owned_before.py", "culprit", "innocent")])
def test_four_capabilities_see_owners(binary, python, program, closer, victim):
    """Made after the attach or before it: no perf event is needed, which a kernel may keep for
    root (kernel.perf_event_paranoid is 3 in Debian's up to 6.12)."""
    with tracing(binary, ALL, python, str(harness.SIM / program)) as (process, run, out):
        said = read_until_attached(run)
        assert not [name for name in ALL if f"CAP_{name.upper()} is missing" in said], said
        harness.let_search_end()
        process.communicate(b"x", timeout=harness.TIMEOUT)
        assert run.wait(harness.TIMEOUT) == 0
        found = [json.loads(line) for line in out.read_text().splitlines()]
    owned = [f for f in found if f.get("kind") == "owned_close"]
    reused = [f for f in found if f.get("kind") == "reused_close"]
    assert owned and all(innermost(f["sites"]["bad"]) == closer for f in owned)
    assert len(reused) == 1 and innermost(reused[0]["sites"]["closed"]) == closer
    assert innermost(reused[0]["victim"]["opened"]) == victim


@pytest.mark.parametrize("missing, lost", [("sys_ptrace", "Python"), ("dac_read_search", "open")])
def test_missing_one_that_is_said(binary, python, missing, lost):
    """One line says which, and what is lost; the rest works."""
    with tracing(binary, ALL.keys() - {missing}, python) as (process, run, out):
        said = read_until_attached(run)
        lines = [line for line in said.splitlines() if "is missing" in line]
        assert len(lines) == 1 and f"CAP_{missing.upper()}" in lines[0] and lost in lines[0]
        process.communicate(b"x", timeout=harness.TIMEOUT)
        assert run.wait(harness.TIMEOUT) == 0
        assert '"kind":"double_close"' in out.read_text().replace(" ", "")


@pytest.mark.parametrize("missing", ["bpf", "perfmon"])
def test_missing_one_that_is_needed(binary, python, missing):
    with tracing(binary, ALL.keys() - {missing}, python) as (_, run, _out):
        said = read_until_attached(run)
        assert run.wait(harness.TIMEOUT) == 3
        assert f"CAP_{missing.upper()} is missing" in said, said


def test_root_keeps_what_is_used(python):
    """All else is gone once it is attached, for good."""
    with waiting([python.path, CLOSES, "1", "0"]) as process:
        run = Run(["-p", str(process.pid)]).attached()
        harness.wait_until(lambda: status_of(run.process.pid)["Seccomp"] == "2", "the filter")
        status = status_of(run.process.pid)
        for name in ("CapPrm", "CapEff", "CapBnd"):
            assert int(status[name], 16) == bits(*ALL.values(), ADMIN), (name, status[name])
        for name in ("CapInh", "CapAmb"):
            assert int(status[name], 16) == 0
        assert status["NoNewPrivs"] == "1"
        process.communicate(b"x", timeout=harness.TIMEOUT)
        assert run.finish().code == 0


SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")


def test_command_gets_none(binary):
    """Neither COMMAND nor what it starts has a capability of fdtrace's."""
    done = subprocess.run([*as_nobody(ALL), binary, "-q", "--", "sh", "-c",
                           "cat /proc/self/status; cat /proc/$$/status"], env=clean_env(), cwd="/",
                          capture_output=True, text=True, timeout=harness.TIMEOUT)
    assert done.returncode == 0, done.stderr
    for name in SETS:
        assert re.findall(rf"^{name}:\s*(\w+)$", done.stdout, re.M) == ["0" * 16] * 2, name


def test_perf_events_refused(python):
    """Where perf_event_open() is refused stacks are as exact; what is lost is said, once."""
    refuse = harness.build(Path(__file__).parent / "refuse_perf.c")
    with waiting([python.path, DOUBLE]) as process:
        out = harness.build_dir() / f"refused-{process.pid}"
        run = subprocess.Popen([refuse, harness.FDTRACE, "--json", "-o", out, "-p",
                                str(process.pid)], env=clean_env(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
        said = read_until_attached(run)
        process.communicate(b"x", timeout=harness.TIMEOUT)
        said += run.communicate(timeout=harness.TIMEOUT)[1]
    assert run.returncode == 0, said
    finding, = (f for f in map(json.loads, out.read_text().splitlines())
                if f["kind"] == "double_close")
    assert finding["sites"]["bad"]["python_status"] == "complete"
    assert "Permission denied" not in said
    assert said.count("uprobes are refused") == (python.version < (3, 12))
    assert said.count("without kprobes") <= 1


def test_events_refused_to_a_nobody(binary, python):
    """What such a hook asks for is said; without --hooks none is needed, where tp_btf works."""
    refuse = harness.build(Path(__file__).parent / "refuse_perf.c")
    with waiting([python.path, DOUBLE]) as process:
        done = subprocess.run([refuse, *as_nobody(ALL), binary, "--hooks", "tracepoint", "-p",
                               str(process.pid)], env=clean_env(), cwd="/", capture_output=True,
                              text=True, timeout=harness.TIMEOUT)
    assert done.returncode == 3
    assert "CAP_SYS_ADMIN is missing" in done.stderr, done.stderr
    assert "kernel.perf_event_paranoid" in done.stderr and "leave --hooks out" in done.stderr


def test_command_keeps_its_own(python):
    """COMMAND has what it would have without fdtrace, which keeps CAP_KILL to pass signals on."""
    code = "import os; print(open(f'/proc/{os.getppid()}/status').read()); " \
           "print(open('/proc/self/status').read())"
    result = harness.started([python.path, "-c", code])
    first, second = re.findall(r"^CapEff:\s*(\w+)$", result.stdout, re.M)
    own = re.search(r"^CapEff:\s*(\w+)$", Path("/proc/self/status").read_text(), re.M)
    assert second == own[1]
    assert result.stdout.count("NoNewPrivs:\t0") >= 1
    assert int(first, 16) in (bits(*ALL.values(), KILL, ADMIN), int(own[1], 16))


def test_signals_reach_a_command_of_somebody_else(python):
    """CAP_KILL is kept for this."""
    env = clean_env(SUDO_UID="65534", SUDO_GID="65534", SUDO_USER="nobody")
    code = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); " \
           "print('up', flush=True); signal.pause()"
    run = Run([], ["/usr/bin/python3", "-c", code], env)
    harness.wait_until(lambda: "up" in harness.read(run.out), "the command")
    harness.wait_until(lambda: status_of(run.process.pid)["Seccomp"] == "2", "the filter")
    run.process.send_signal(signal.SIGTERM)
    assert run.finish().code == 7


def with_low_limit():
    """fdtrace's outcome under a limit of locked memory that it may not raise."""
    words = ["prlimit", "--memlock=65536:65536", "setpriv", "--bounding-set", "-sys_resource",
             "--inh-caps", "-sys_resource"]
    return subprocess.run([*words, harness.FDTRACE, "-q", "--", "true"], env=clean_env(),
                          capture_output=True, text=True, timeout=harness.TIMEOUT)


@pytest.mark.parametrize("beside", (False, True), ids=("alone", "beside-another"))
def test_memlock_limit_is_no_error(beside):
    """From Linux 5.11 on memory of maps is not counted there; raising the limit may fail.

    Before, what the same user has locked elsewhere counts too: not even a small map can be made.
    """
    with contextlib.ExitStack() as stack:
        if beside:
            traced = stack.enter_context(waiting(["/usr/bin/python3", DOUBLE]))
            other = Run(["-p", str(traced.pid)]).attached()
            stack.callback(lambda: (traced.kill(), other.finish()))
        done = with_low_limit()
    if COUNTS_LOCKED:
        assert done.returncode and "`ulimit -l unlimited`" in done.stderr, done.stderr
        return
    assert done.returncode == 0 and done.stderr == "", done.stderr
