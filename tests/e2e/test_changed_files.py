# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Executable files that change while fdtrace runs: each program gets the layout of what it runs, or
none, and runs as it would without fdtrace."""
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

import harness
from harness import Run, clean_env, system_python, wait_until

# Time for fdtrace to look into a file that is new to it.
LOOK = 0.5 * harness.SLOW
TWICE = f"""import os, time
time.sleep({LOOK})
fd = os.open("/dev/null", 0)
os.close(fd)
try:
    os.close(fd)
except OSError:
    pass
"""
LINE = 1 + TWICE.splitlines().index("    os.close(fd)")
EXPECTED = {"function": "<module>", "file": "<string>", "line": LINE}


def stack_of(finding):
    return [{key: frame.get(key) for key in EXPECTED} for frame in finding["sites"]["bad"]["python"]]


def shell(lines, env=None, wait=None):
    """`fdtrace -- sh`; wait: called while it runs."""
    run = Run([], ["/bin/sh", "-c", "\n".join(lines)], env)
    if wait:
        wait()
    return run.finish()


@pytest.mark.parametrize("kept", (False, True), ids=("later", "with-its-times"))
def test_inode_taken_by_a_python(tmp_path, kept):
    """A file that was no Python is removed; a Python that takes its inode has its stacks."""
    python, program = shlex.quote(system_python().path), tmp_path / "program"
    result = shell([
        f"cp /bin/true {program}", f"ls -i {program}", f"{program}", f"sleep {LOOK}",
        f"rm {program}", f"cp {'-p' if kept else ''} {python} {program}", f"ls -i {program}",
        f"sleep {LOOK}", f"{program} -c {shlex.quote(TWICE)}"])
    first, second = re.findall(r"^\d+", result.stdout, re.M)
    if first != second:
        pytest.skip("this file system does not give an inode again at once")
    finding, = result.findings
    assert stack_of(finding) == [EXPECTED]


def shared_pythons():
    """Two whose libpython is a library of its own: (its library, the program, its prefix)."""
    found = []
    for python in harness.pythons_once():
        prefix = Path(os.path.realpath(python.path)).parent.parent
        name = "%d.%d" % python.version
        library, program = prefix / f"lib/libpython{name}.so.1.0", prefix / f"bin/python{name}"
        if library.exists() and program.exists() and not python.kind:
            found.append((library, program, prefix, name))
    return found


def test_library_overwritten_in_place(tmp_path):
    """What cp does to a library of programs that run under fdtrace, and of one that does not."""
    pythons = shared_pythons()
    if len(pythons) < 2:
        pytest.skip("needs two CPythons whose libpython is shared")
    (old, program, old_home, old_version), (new, _, new_home, new_version) = pythons[-1], pythons[-2]
    library, ready, go = tmp_path / old.name, tmp_path / "ready", tmp_path / "go"
    library.write_bytes(old.read_bytes())
    env = clean_env(LD_LIBRARY_PATH=str(tmp_path))
    command = f"PYTHONHOME={{}} {program} -c {shlex.quote(TWICE)}; echo ended with $?"
    lines = [command.format(old_home), command.format(old_home), f"cat {new} > {library}",
             f"touch {ready}", f"while [ ! -e {go} ]; do sleep 0.1; done",
             command.format(new_home), command.format(new_home)]
    beside = []

    def run_untraced():
        wait_until(ready.exists, "the library's new content")
        untraced = subprocess.run([program, "-c", TWICE], env={**env, "PYTHONHOME": str(new_home)},
                                  capture_output=True, text=True, timeout=harness.TIMEOUT)
        beside.append((untraced.returncode, untraced.stderr))
        go.touch()

    result = shell(lines, env, run_untraced)
    assert beside == [(0, "")]
    assert re.findall(r"ended with (\d+)", result.stdout) == ["0"] * 4, result.stdout
    assert [stack_of(finding) for finding in result.findings] == [[EXPECTED]] * 4
    runtimes = [finding["process"]["runtime"] for finding in result.findings]
    assert [re.search(r"\d+\.\d+", text)[0] for text in runtimes] == \
        [old_version] * 2 + [new_version] * 2


def text_mappings(pid):
    """(start, end, offset, file) of what a process may execute."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    for start, end, offset, path in re.findall(
            r"^(\w+)-(\w+) r-xp (\w+) \S+ \d+ +(/.*)$", maps, re.M):
        yield int(start, 16), int(end, 16), int(offset, 16), path


def changed_bytes(pid):
    """Where what a process executes is not what its files hold: (file, offset)."""
    mappings, changed = list(text_mappings(pid)), []
    assert mappings
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, end, offset, path in mappings:
            memory.seek(start)
            data = memory.read(end - start)
            on_disk = Path(path).read_bytes()[offset:offset + len(data)]
            if data[:len(on_disk)] != on_disk:
                changed += [(path, offset + i) for i, byte in enumerate(on_disk) if data[i] != byte]
    return changed


def test_one_instruction_at_most_is_changed(python):
    """A breakpoint where code objects are freed, before 3.12, in the process that was named; none
    in another that runs the same file, and none once fdtrace has ended."""
    command = [python.path, str(harness.SIM / "double_close.py")]
    with harness.waiting(command) as process, harness.waiting(command) as other:
        run = Run(["-p", str(process.pid)]).attached()
        changed = changed_bytes(process.pid)
        assert len(changed) in ((0,) if python.version >= (3, 12) else (1, 4)), changed
        assert changed_bytes(other.pid) == []
        run.process.send_signal(signal.SIGINT)
        run.finish()
        wait_until(lambda: not changed_bytes(process.pid), "the end of the breakpoint", 1)
        for each in (process, other):
            each.communicate(b"x", timeout=harness.TIMEOUT)
            assert each.returncode == 0


WAITS = f"""import os, sys
def close_twice():
    fd = os.open("/dev/null", 0)
    os.close(fd)
    try:
        os.close(fd)
    except OSError:
        pass
def run(code):
    for i in range(300):
        exec(compile(code, "<made %d>" % i, "exec"), {{}})
print("ready", flush=True)
sys.stdin.read(1)
run("1")
close_twice()
"""
WAITS_LINE = 1 + WAITS.splitlines().index("        os.close(fd)")
WAITS_FRAMES = [{"function": "close_twice", "file": "<string>", "line": WAITS_LINE},
                {"function": "<module>", "file": "<string>", "line": len(WAITS.splitlines())}]


def library_of(pid, name):
    return next(path for *_, path in text_mappings(pid) if Path(path).name == name)


@pytest.mark.parametrize("how", ("the same bytes", "another version's"))
def test_library_overwritten_while_attached(tmp_path, how):
    """Somebody writes to the file that has the breakpoint. Whoever runs it goes on as without
    fdtrace; the breakpoint is gone."""
    pythons = [each for each in shared_pythons() if tuple(map(int, each[3].split("."))) < (3, 12)]
    others = [each for each in shared_pythons() if each not in pythons[-1:]]
    if not pythons or not others:
        pytest.skip("needs two CPythons whose libpython is shared, one of them before 3.12")
    old, program, home, _ = pythons[-1]
    new, _, new_home, _ = others[-1]
    library = tmp_path / old.name
    library.write_bytes(old.read_bytes())
    time.sleep(0.1)  # its version has settled
    env = clean_env(LD_LIBRARY_PATH=str(tmp_path), PYTHONHOME=str(home))
    command = [program, "-c", WAITS]
    with harness.waiting(command, env) as process, harness.waiting(command, env) as beside:
        run = Run(["-p", str(process.pid)]).attached()
        assert library_of(process.pid, old.name) == str(library)
        assert len(changed_bytes(process.pid)) in (1, 4)
        if how == "the same bytes":
            with open(library, "r+b") as file:
                file.write(old.read_bytes())
            wait_until(lambda: not changed_bytes(process.pid), "the end of the breakpoint", 1)
        else:
            library.write_bytes(new.read_bytes())
        later = [subprocess.run([program, "-c", TWICE], capture_output=True, text=True, check=False,
                                env={**env, "PYTHONHOME": str(home if "same" in how else new_home)},
                                timeout=harness.TIMEOUT) for _ in range(2)]
        assert [(each.returncode, each.stderr) for each in later] == [(0, "")] * 2
        for each in (process, beside):
            each.communicate(b"x", timeout=harness.TIMEOUT)
        result = run.finish(None)
    assert process.returncode == beside.returncode
    if how == "the same bytes":
        assert process.returncode == 0
        finding, = result.findings
        assert stack_of(finding) == WAITS_FRAMES
    for finding in result.findings:
        assert stack_of(finding) in ([], WAITS_FRAMES)


FORKS = """import os, subprocess, sys
def make(count):
    for i in range(count):
        scope = {}
        exec(compile("def made(): return %d" % i, "<made>", "exec"), scope)
        assert scope["made"]() == i
print("ready", flush=True)
sys.stdin.read(1)
make(100)
ended = []
for i in range(8):
    pid = os.fork()
    if not pid:
        make(200)
        if i % 2:
            os.execv(sys.executable, [sys.executable, "-c", "exec('1')"])
        os._exit(0)
    make(20)
    ended.append(os.waitpid(pid, 0)[1])
ended.append(subprocess.call([sys.executable, "-c", "exec('1')"]))
print(ended)
"""


def test_children_of_one_that_is_watched(python):
    """A child has the breakpoint in its copy of the memory, and does not notice it."""
    result = harness.attached([python.path, "-c", FORKS])
    assert result.stdout == f"{[0] * 9}\n"
    assert not result.findings


FORKS_ONE = """import os, sys, time
print("ready", flush=True)
sys.stdin.read(1)
reader, writer = os.pipe()
pid = os.fork()
if not pid:
    os.close(writer)
    os.read(reader, 1)
    for i in range(100):
        exec(compile("pass", "<made>", "exec"))
    os._exit(0)
print(pid, flush=True)
sys.stdin.read(1)
os.close(writer)
print(os.waitpid(pid, 0)[1])
"""


def test_copy_in_a_child_goes(python):
    """A child that was forked with the breakpoint has lost it when fdtrace has ended."""
    with harness.waiting([python.path, "-c", FORKS_ONE], bufsize=0) as process:
        run = Run(["-p", str(process.pid)]).attached()
        process.stdin.write(b"x")
        child = int(process.stdout.readline())
        run.process.send_signal(signal.SIGINT)
        run.finish()
        for pid in (process.pid, child):
            wait_until(lambda pid=pid: not changed_bytes(pid), "the end of the breakpoint", 1)
        stdout, _ = process.communicate(b"x", timeout=harness.TIMEOUT)
        assert (stdout, process.returncode) == (b"0\n", 0)
