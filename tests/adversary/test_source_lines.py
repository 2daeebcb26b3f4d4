# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Code objects name files that their process may not read; root's report is to show no line of
them, whatever that process was before and becomes later, and keep none in a recording."""
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import harness
from adversary import AS_NOBODY, NOBODY, fdtrace, give, shared_folder
from test_privileges import as_nobody

PROGRAMS = Path(__file__).parent / "programs"
NAMES = str(PROGRAMS / "names_files.py")
STRANGER = 54321  # neither root nor the adversary
SECRET, PUBLIC = "not-for-nobody", "for-everybody"
CAPABILITIES = ["bpf", "perfmon", "sys_ptrace", "dac_read_search", "dac_override"]


@dataclass
class Place:
    """A folder of everybody's; in it a folder of a stranger's and the program."""
    folder: Path
    program: str

    def file(self, name, text, owner=NOBODY, mode=0o644):
        path = self.folder / name
        path.write_text("".join(f"{text} # {i}\n" for i in range(3)))
        os.chown(path, owner, owner)
        path.chmod(mode)
        return path


@pytest.fixture
def place():
    with shared_folder() as folder:
        yield Place(folder, shutil.copy(NAMES, folder))


@contextlib.contextmanager
def running(place, what, files, words=AS_NOBODY, python="/usr/bin/python3"):
    """The program, waiting for its line."""
    command = [*words, python, place.program, what, *map(str, files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
                          env=harness.clean_env()) as process:
        with harness.killed_after(process, harness.TIMEOUT):
            assert process.stdout.readline() == b"ready\n"
        yield process


def everything(place, process, words=(), binary=harness.FDTRACE, same=True):
    """All that fdtrace shows and keeps of the process; words come before its name."""
    folder = Path(tempfile.mkdtemp(dir=place.folder))
    folder.chmod(0o777)
    report, recording, errors = (folder / name for name in ("report", "recording", "errors"))
    command = [*words, binary, *harness.HOOKS, "-o", report, "--record", recording, "-p",
               str(process.pid)]
    with open(errors, "wb") as stderr:
        run = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stderr=stderr,
                               cwd="/", env=harness.clean_env())
    harness.wait_until(lambda: harness.ATTACHED.search(harness.read(errors)) or
                       run.poll() is not None, "fdtrace is attached")
    process.communicate(b"\n", timeout=harness.TIMEOUT)
    assert run.wait(harness.TIMEOUT) == 0, harness.read(errors)
    shown = report.read_text()
    assert fdtrace("replay", recording).stdout == shown or not same
    kept = b"".join(harness.blocks(recording)).decode("latin-1")
    return shown + kept + harness.read(errors)


def leaked(place, files, what="-", as_whom={}, **more):
    """What is shown when the adversary's code names these files, and then one of his own."""
    own = place.file("own.py", PUBLIC)
    with running(place, what, [*files, own], **more) as process:
        shown = everything(place, process, **as_whom)
    assert PUBLIC in shown  # else nothing is proved
    return shown


# --- what he names -------------------------------------------------------------------------


def a_file_of_a_strangers(place):
    return place.file("secret", SECRET, STRANGER, 0o600)


def a_file_of_a_strangers_group(place):
    return place.file("secret", SECRET, STRANGER, 0o640)


def a_file_of_roots(place):
    return place.file("secret", SECRET, 0, 0o600)


def a_file_for_roots_group(place):
    return place.file("secret", SECRET, 0, 0o640)


def a_readable_file_in_a_closed_folder(place):
    folder = place.folder / "closed"
    folder.mkdir()
    path = place.file("closed/secret", SECRET)
    folder.chmod(0o700)
    return path


def a_link_to_it(place):
    (place.folder / "link").symlink_to(a_file_of_roots(place))
    return give(place.folder / "link")


def his_own_file_that_he_may_not_read(place):
    return place.file("secret", SECRET, NOBODY, 0o044)


def his_own_file_that_grew_too_large(place):
    path = place.file("secret", SECRET)
    os.truncate(path, (4 << 20) + 1)
    return path


FILES = [a_file_of_a_strangers, a_file_of_a_strangers_group, a_file_of_roots,
         a_file_for_roots_group, a_readable_file_in_a_closed_folder, a_link_to_it,
         his_own_file_that_he_may_not_read, his_own_file_that_grew_too_large]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.__name__)
def test_files_that_he_may_not_read(place, file):
    assert SECRET not in leaked(place, [file(place)])


def test_what_he_may_read_is_shown(place):
    """By his own bits or a group of his; anything, for a process of root's."""
    assert SECRET in leaked(place, [place.file("secret", SECRET, NOBODY, 0o400)])
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups=7,{STRANGER}"]
    assert SECRET in leaked(place, [a_file_of_a_strangers_group(place)], words=words)
    for file in (a_file_of_a_strangers, a_readable_file_in_a_closed_folder):
        assert SECRET in leaked(place, [file(place)], words=["env"])


def test_what_the_kernel_makes_up(place):
    """/proc and /sys tell of whoever reads them: of root's own fdtrace."""
    with subprocess.Popen(["sleep", "60"], env={"MARK": SECRET}) as other:
        try:
            text = leaked(place, [
                f"/proc/{other.pid}/environ", "/proc/self/environ", "/proc/thread-self/environ",
                f"/proc/{os.getpid()}/cmdline", "/proc/self/maps", "/proc/kallsyms",
                f"/proc/{other.pid}/root{a_file_of_roots(place)}",
                "/sys/kernel/notes", "/sys/kernel/mm/transparent_hugepage/enabled"])
        finally:
            other.kill()
    assert SECRET not in text and "madvise" not in text
    assert not re.search(r"line \d+, in of_\d+\n {6}[^ ]", re.sub(rf".*{PUBLIC}.*\n", "", text))


def test_what_must_not_be_opened(place):
    """The writer of a FIFO that nobody reads goes on waiting."""
    fifo = place.folder / "fifo"
    os.mkfifo(fifo)
    give(fifo)
    with subprocess.Popen([*AS_NOBODY, "sh", "-c", f"exec echo {SECRET} > {fifo}"]) as writer:
        text = leaked(place, [fifo, "/dev/tty", "/dev/zero", place.folder])
        assert writer.poll() is None
        writer.kill()
    assert SECRET not in text


def test_a_file_system_that_does_not_answer(place):
    """Reports come all the same, and fdtrace ends when it is told to."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("there is no /dev/fuse here")
    mount = place.folder / "mount"
    mount.mkdir()
    own = place.file("own.py", PUBLIC)
    command = ["/usr/bin/python3", str(PROGRAMS / "stuck_files.py"), mount, place.program, own]
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          cwd="/", env=harness.clean_env()) as process:
        try:
            with harness.killed_after(process, harness.TIMEOUT):
                assert process.stdout.readline() == b"ready\n"
            begun = time.monotonic()
            text = everything(place, process, same=False)  # as long as it answered
            assert PUBLIC in text and "stuck.py" in text and "in of_5" in text
            assert time.monotonic() - begun < 15 * harness.SLOW
        finally:
            process.kill()


# --- who he was, and becomes ---------------------------------------------------------------


def test_ended_before_it_is_read(place):
    """Many processes that end at once: the lines are read when most of them are gone."""
    secret, own = a_file_of_roots(place), place.file("own.py", PUBLIC)
    script = "read go; for i in 1 2 3 4 5 6 7 8; do echo | " \
             f"/usr/bin/python3 {place.program} end {secret} {own}; done"
    with subprocess.Popen([*AS_NOBODY, "sh", "-c", script], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, env=harness.clean_env(), cwd="/") as process:
        text = everything(place, process)
    assert SECRET not in text and PUBLIC in text


def test_root_before(place):
    """Privileges that were given up do not count any more."""
    assert SECRET not in leaked(place, [a_file_of_roots(place)], "drop", words=["env"])


def test_root_afterwards(place):
    """Nor those that a program brings which is started later by the same process."""
    program = place.folder / "as_root"
    shutil.copy(harness.build(PROGRAMS / "as_root.c"), program)
    program.chmod(0o4755)
    text = leaked(place, [a_file_of_roots(place)], f"exec={program}")
    assert SECRET not in text


def test_root_of_his_own_users(place):
    """In a user namespace he is root, with all capabilities; outside he is who he was."""
    words = [*AS_NOBODY, "unshare", "--user", "--map-root-user"]
    if subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("users may not make user namespaces here")
    assert SECRET not in leaked(place, [a_file_of_roots(place)], words=words)


def test_another_root(place):
    """A path is what it was in his own root, not in ours; for one that is gone it is nothing."""
    jail = place.folder / "jail"
    jail.mkdir(mode=0o755)
    secret = place.file("seen.py", SECRET)
    (jail / str(secret)[1:]).parent.mkdir(parents=True)
    place.file("jail" + str(secret), PUBLIC)
    with running(place, f"chroot={jail}", [secret], words=["env"]) as process:
        text = everything(place, process)
    assert SECRET not in text


# --- who reads -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def binary():
    path = harness.build_dir() / "fdtrace-with-capabilities"
    shutil.copy(harness.FDTRACE, path)
    return str(path)


def test_capabilities_to_read_are_not_for_lines(place, binary):
    """fdtrace is nobody's, but may read every file; lines are shown of processes of its own."""
    as_whom = {"words": as_nobody(CAPABILITIES), "binary": binary}
    assert SECRET not in leaked(place, [a_file_of_roots(place)], as_whom=as_whom)
    own = place.file("own.py", PUBLIC)
    with running(place, "-", [own], words=["env"]) as process:
        text = everything(place, process, **as_whom)
    assert "in of_0" in text and PUBLIC not in text


def test_the_helper_can_do_nothing_else(place):
    """It has what it takes on rights with, and system calls to open files and read them."""
    with running(place, "-", []) as process:
        run = harness.Run(["-p", str(process.pid)], json_lines=False).attached()
        children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text()
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in children.split()]
        helper, = [text for text in statuses if "Name:\tfdtrace-source\n" in text]
        wanted = 1 << 1 | 1 << 2 | 1 << 6 | 1 << 7  # DAC_OVERRIDE, _READ_SEARCH, SETGID, SETUID
        assert int(re.search(r"CapPrm:\t(\w+)", helper)[1], 16) == wanted
        assert re.search(r"Seccomp:\t2\n", helper) and re.search(r"NoNewPrivs:\t1\n", helper)
        process.communicate(b"\n", timeout=harness.TIMEOUT)
        assert run.finish().code == 0
