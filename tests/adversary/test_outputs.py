# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Names given to root's fdtrace to write to, in folders where others may write too."""
import contextlib
import os
import signal
import socket
import stat
import subprocess

import pytest

import harness
from adversary import NOBODY, SUDO, fdtrace, give, shared_folder
from harness import clean_env

OUTPUTS = ["-o", "--record"]
PRECIOUS = "precious\n"


@pytest.fixture
def shared():
    with shared_folder() as folder:
        yield folder


def a_link(shared, precious):
    (shared / "out").symlink_to(precious)
    return give(shared / "out")


def a_link_of_our_own(shared, precious):
    (shared / "out").symlink_to(precious)
    return shared / "out"


def a_link_to_nothing(shared, precious):
    (shared / "out").symlink_to(precious.parent / "new")
    return give(shared / "out")


def a_link_on_the_way(shared, precious):
    (shared / "way").symlink_to(precious.parent)
    give(shared / "way")
    return shared / "way" / "new"


def links_on_the_way_to_a_file(shared, precious):
    (shared / "a").symlink_to("b/../b")
    (shared / "b").symlink_to(precious.parent)
    give(shared / "b")
    return shared / "a" / precious.name


def a_second_name(shared, precious):
    os.link(precious, shared / "out")
    return shared / "out"


def somebody_elses(shared, precious):
    (shared / "out").write_text(PRECIOUS)
    return give(shared / "out")


def somebody_elses_pipe(shared, precious):
    os.mkfifo(shared / "out", 0o666)
    return give(shared / "out")


def a_socket(shared, precious):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(shared / "out"))
    return shared / "out"


def a_folder(shared, precious):
    (shared / "out").mkdir()
    return shared / "out"


def tree(*folders):
    """Every file and what is in it."""
    return {path: (path.lstat().st_mode, path.lstat().st_uid,
                   path.read_text() if path.is_file() and not path.is_symlink() else None)
            for folder in folders for path in sorted(folder.rglob("*"))}


TRAPS = [a_link, a_link_of_our_own, a_link_to_nothing, a_link_on_the_way,
         links_on_the_way_to_a_file, a_second_name, somebody_elses, somebody_elses_pipe, a_socket,
         a_folder]


@pytest.mark.parametrize("option", OUTPUTS)
@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.__name__)
def test_nothing_of_others_is_written(trap, option, shared):
    """It is refused in a line, before COMMAND runs, and nothing has changed."""
    with shared_folder() as elsewhere:
        precious = elsewhere / "file"
        precious.write_text(PRECIOUS)
        path = trap(shared, precious)
        before = tree(shared, elsewhere)
        done = fdtrace(option, path, "--", "touch", elsewhere / "ran")
        assert done.returncode == 6, done.stderr
        assert done.stderr.count("fdtrace: cannot ") == 1 and "tracing" not in done.stderr
        assert tree(shared, elsewhere) == before


@pytest.mark.parametrize("option", OUTPUTS)
@pytest.mark.parametrize("sudo", [{}, SUDO], ids=["root", "sudo"])
def test_made_for_its_owner_alone(option, sudo, shared):
    """The user behind sudo can read and remove what he asked for; nobody else can read it."""
    path = shared / "out"
    env = clean_env(**sudo)
    for _ in range(2):  # the second time it is there, and is used again
        assert fdtrace(option, path, "--", "true", env=env).returncode == 0
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert found.st_uid == found.st_gid == (NOBODY if sudo else 0)
    path.chmod(0o644)
    size = path.stat().st_size
    path.write_text(PRECIOUS * 10000)
    assert fdtrace(option, path, "--", "true", env=env).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_size < 2 * size


def test_ways_that_are_good(shared):
    """Links of root's on the way, as /bin is one, and devices that root owns."""
    (shared / "folder").mkdir()
    (shared / "way").symlink_to("folder")
    assert fdtrace("-o", shared / "way/out", "--", "true").returncode == 0
    assert (shared / "folder/out").read_text()
    for path in ("/dev/null", "/dev/fd/2", "/dev/stderr"):
        done = fdtrace("-o", path, "--", "true")
        assert done.returncode == 0, done.stderr
        assert ("no double close" in done.stderr) == (path != "/dev/null")


@contextlib.contextmanager
def small_disk(folder, size):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "none", folder],
                   check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


FILLS = """
import os, sys
for _ in range(4000):
    os.close(os.open("/dev/null", 0))
sys.stdin.readline()
print("all done", flush=True)
sys.exit(7)
"""


@pytest.mark.parametrize("ended_by", ["itself", "a signal"])
def test_full_disk(python, shared, ended_by):
    """Tracing ends, a line says why; COMMAND goes on, and its signals still reach it."""
    with small_disk(shared, "64k"):
        command = [python.path, "-c", FILLS]
        run = harness.Run(["--events", "-o", str(shared / "out")], command, json_lines=False,
                          stdin=subprocess.PIPE)
        harness.wait_until(lambda: "No space left" in run.stderr(), "the line about the disk")
        line, = [line for line in run.stderr().splitlines() if "No space left" in line]
        assert line.startswith(f"fdtrace: cannot write to {shared}/out: ")
        assert run.process.poll() is None
        if ended_by == "itself":
            run.process.stdin.write(b"\n")
        else:
            run.process.send_signal(signal.SIGTERM)
            run.process.wait(harness.TIMEOUT)
        run.process.stdin.close()
        result = run.finish()
        assert result.code == 6
        assert ("all done" in result.stdout) == (ended_by == "itself")
        assert "COMMAND goes on" in " ".join(result.stderr.split())


def test_full_disk_of_a_recording(python, shared):
    """Recording ends, a line says why; tracing goes on to COMMAND's end."""
    with small_disk(shared, "4k"):
        command = [python.path, "-c", FILLS]
        done = fdtrace("--record", shared / "out", "--", *command)
        assert done.returncode == 6 and "all done" in done.stdout
        assert done.stderr.count("No space left") == 1 and "tracing goes on" in done.stderr
        assert "no double close" in done.stderr
