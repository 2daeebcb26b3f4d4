# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Processes whose files and numbers are made to keep root's fdtrace busy, or to have it open what
it should not. It attaches all the same, and SIGINT and SIGTERM end it within a second."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import harness
from adversary import AS_NOBODY, shared_folder

PROGRAMS = Path(__file__).parent / "programs"
ENDS = [signal.SIGINT, signal.SIGTERM]
# As long as anybody waits who has pressed Ctrl-C.
SECOND = 1.0 * harness.SLOW
WAITS = "import sys; print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def shared():
    with shared_folder() as folder:
        yield folder


def tree(folder):
    """A Python of the adversary's own below that folder, and where it looks for its modules."""
    for name in ("bin", "lib/python3.11/lib-dynload"):
        (folder / name).mkdir(parents=True)
    shutil.copy("/usr/bin/python3", folder / "bin/python3")
    return folder / "bin/python3", folder / "lib/python3.11/lib-dynload"


def names_that_are_patterns(shared):
    """Each way through the links to themselves is another match of the next star."""
    for i in range(8):
        (shared / f"link{i}").symlink_to(".")
    python, _ = tree(shared.joinpath(*12 * ["*"], "[a-z]", "{a,b}", "~root", "?"))
    return [python, "-c", WAITS]


def a_folder_without_end(shared):
    python, modules = tree(shared)
    for i in range(50000):
        os.symlink("/", modules / f"_socket.{i}.so")
    return [python, "-c", WAITS]


def a_crowd(what, number):
    def command(shared):
        return [harness.build(PROGRAMS / "crowd.c"), what, str(number), shared]
    command.__name__ = f"many_{what}"
    return command


CASES = [names_that_are_patterns, a_folder_without_end, a_crowd("fds", 200000),
         a_crowd("mappings", 20000), a_crowd("files", 3000), a_crowd("threads", 1000),
         a_crowd("generations", 400)]


@contextlib.contextmanager
def hostile(case, shared):
    """The process, once all is there."""
    command = [*AS_NOBODY, *map(str, case(shared))]
    env = harness.clean_env(PYTHONHOME="/usr")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env,
                          cwd="/") as process:
        try:
            with harness.killed_after(process, harness.TIMEOUT):
                assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def ends(run, number):
    """The signal ends fdtrace, in time and in peace; how it ended."""
    begun = time.monotonic()
    run.process.send_signal(number)
    run.process.wait(harness.TIMEOUT)
    took = time.monotonic() - begun
    result = run.finish()
    assert took < SECOND, f"{took:.2f} s: {result.stderr}"
    assert result.code == 0, result.stderr
    return result


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_it_attaches_and_ends(case, number, shared):
    with hostile(case, shared) as process:
        run = harness.Run(["-p", str(process.pid)]).attached()
        result = ends(run, number)
        assert process.poll() is None and result.summary


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_it_ends_while_it_attaches(case, shared):
    """At whatever moment the signal comes."""
    with hostile(case, shared) as process:
        for wait in (0.3, 0.6, 0.9, 1.2):
            run = harness.Run(["-p", str(process.pid)])
            time.sleep(wait * harness.SLOW)
            begun = time.monotonic()
            run.process.send_signal(signal.SIGTERM)
            code = run.process.wait(harness.TIMEOUT)
            took = time.monotonic() - begun
            text = run.finish().stderr
            assert took < SECOND, f"{wait}: {took:.2f} s: {text}"
            assert code in (0, -signal.SIGTERM), text  # the latter before the loop is there
        assert process.poll() is None


def helpers_of(pid):
    """fdtrace's helpers and theirs, by pid: their names."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found[child] = Path(f"/proc/{child}/comm").read_text().strip()
        found.update(helpers_of(child))
    return found


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("option", [[], ["--native=all"]], ids=["python", "native"])
def test_files_that_keep_the_helpers_busy(option, number, shared):
    """They have stopped, as with a file that is read for ever, when a process maps a new one."""
    python, _ = tree(shared)
    code = "import sys, os, time\nprint('ready', flush=True)\nsys.stdin.readline()\n" \
           f"pid = os.spawnv(os.P_NOWAIT, {str(python)!r}, ['python3', '-c', 'import time; " \
           "[open(\"/dev/null\").close() for _ in range(9)]; time.sleep(9)'])\nos.wait()"
    with hostile(lambda _: ["/usr/bin/python3", "-c", code], shared) as process:
        run = harness.Run([*option, "-p", str(process.pid)], json_lines=False).attached()
        helpers = helpers_of(run.process.pid)
        assert len(helpers) > 2
        try:
            for pid in helpers:
                os.kill(int(pid), signal.SIGSTOP)
            process.stdin.write(b"\n")
            process.stdin.flush()
            time.sleep(0.5 * harness.SLOW)  # it maps the file, and fdtrace asks
            ends(run, number)
        finally:
            for pid in helpers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGCONT)


# --- what is not to be opened --------------------------------------------------------------


def is_opened(path, trace):
    """Whether fdtrace opened it for more than a look at what it is."""
    lines = [line for line in trace.read_text().splitlines() if f'{path.name}"' in line]
    return [line for line in lines if "O_PATH" not in line and re.search(r"open(at2?)?\(", line)]


@pytest.mark.parametrize("kind", ["device", "pipe"])
@pytest.mark.parametrize("options", [["-p"], ["--native", "--"], ["--native", "-p"]], ids=" ".join)
def test_neighbours_that_are_no_files(kind, options, shared):
    """Beside a Python lies what has the name of a library or a module."""
    node = shared / "node"
    if kind == "device":
        os.mknod(node, 0o600 | 0o020000, os.makedev(1, 7))
    else:
        os.mkfifo(node)
    python, modules = tree(shared)
    for name in ("_socket.x.so", "select.x.so", "x.so"):
        (modules / name).symlink_to(node)
    (shared / "lib/libpython3.11.so.1.0").symlink_to(node)
    trace = shared / "strace"
    strace = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(trace)]
    if not shutil.which("strace"):
        pytest.skip("strace is not there to see what is opened")
    command = [*strace, harness.FDTRACE, *harness.HOOKS, "-o", str(shared / "out"), *options]
    env = harness.clean_env(PYTHONHOME="/usr")
    if options[-1] == "--":
        subprocess.run([*command, str(python), "-c", ""], env=env, timeout=harness.TIMEOUT,
                       check=True, capture_output=True)
    else:
        with hostile(lambda _: [python, "-c", WAITS], shared) as process:
            run = subprocess.Popen([*command, str(process.pid)], env=env,
                                   stderr=subprocess.PIPE, text=True)
            with harness.killed_after(run, harness.TIMEOUT):
                for line in run.stderr:
                    if harness.ATTACHED.search(line):
                        break
            process.stdin.close()
            run.communicate(timeout=harness.TIMEOUT)
            assert run.returncode == 0
    opened = [line for path in (node, *modules.iterdir(), shared / "lib/libpython3.11.so.1.0")
              for line in is_opened(path, trace)]
    assert not opened
