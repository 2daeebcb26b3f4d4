# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The command line: exit statuses, one-line errors, COMMAND's surroundings, signals, targets."""
import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import harness
from harness import FDTRACE, Run, clean_env, started, waiting

pytestmark = pytest.mark.beside

CLOSES = str(Path(__file__).parent / "programs" / "closes_forever.py")
DOUBLE = str(harness.SIM / "double_close.py")


def fdtrace(*options, **popen):
    popen = {"stdin": subprocess.DEVNULL, "env": clean_env(), **popen}
    return subprocess.run([FDTRACE, *options], capture_output=True, text=True,
                          timeout=harness.TIMEOUT, **popen)


def assert_error(result, code, *words, lines=1):
    """One line says what failed, in fdtrace's voice."""
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    said = result.stderr.splitlines()
    assert len(said) == lines and said[0].startswith("fdtrace: "), result.stderr
    assert "libbpf" not in result.stderr
    for word in words:
        assert word in said[0]


# --- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--"],
        ["-p"],
        ["-p", "abc"],
        ["-p", "1,"],
        ["-p", "0"],
        ["-p", "-1"],
        ["-p", "1", "--", "true"],
        ["--no-such-option"],
        ["--color=blue", "--", "true"],
        ["--frames", "0", "--", "true"],
        ["--error-exitcode", "126", "--", "true"],
        ["--ring-size", "1", "--", "true"],
        ["-o", "", "--", "true"],
    ],
    ids=" ".join,
)
def test_usage(arguments):
    """What is wrong, and where to read more."""
    assert_error(fdtrace(*arguments), 2, lines=2)


def test_help_and_version():
    text = fdtrace("--help")
    assert text.returncode == 0 and text.stderr == ""
    assert "--error-exitcode" in text.stdout and "127" in text.stdout
    assert max(map(len, text.stdout.splitlines())) < 100
    text = fdtrace("--version")
    assert text.returncode == 0 and text.stdout.startswith("fdtrace ")


def test_no_such_process():
    assert_error(fdtrace("-p", "4194304"), 5, "4194304")


def test_process_that_has_ended():
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert_error(fdtrace("-p", str(process.pid)), 5, str(process.pid))


def test_one_of_two_does_not_exist(python):
    """Nothing is traced by halves; the one that is there is left alone."""
    with waiting([python.path, CLOSES, "1", "0"]) as process:
        assert_error(fdtrace("-p", f"{process.pid},4194304"), 5, "4194304")
        process.communicate(b"x", timeout=harness.TIMEOUT)
    assert process.returncode == 0


def as_nobody(*arguments):
    binary = Path(harness.build_dir(), "fdtrace")
    shutil.copy(FDTRACE, binary)
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", str(binary)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, cwd="/",
                          env=clean_env(), timeout=harness.TIMEOUT)


@pytest.mark.alone
def test_not_root():
    assert_error(as_nobody("-p", str(os.getpid())), 3, "sudo")


@pytest.mark.alone
def test_not_root_command():
    """COMMAND is not run untraced."""
    assert_error(as_nobody("--", "echo", "it ran"), 3, "sudo")


def test_command_not_found():
    result = fdtrace("-q", "--", "fdtrace-has-no-such-command")
    assert_error(result, 127, "fdtrace-has-no-such-command")


def test_command_not_executable(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a program\n")
    assert_error(fdtrace("-q", "--", str(file)), 126, str(file))
    assert_error(fdtrace("-q", "--", str(tmp_path)), 126, str(tmp_path))


def test_output_not_writable(tmp_path):
    ran = tmp_path / "ran"
    result = fdtrace("-o", str(tmp_path / "no" / "file"), "--", "touch", str(ran))
    assert_error(result, 6, str(tmp_path / "no" / "file"))
    assert not ran.exists()


def test_output_full(python):
    result = fdtrace("-q", "--json", "-o", "/dev/full", "--", python.path, DOUBLE)
    assert result.returncode == 6
    assert [line for line in result.stderr.splitlines() if line.startswith("fdtrace: ")]


def test_output_pipe_closed(python):
    """As with `| head -0`: fdtrace ends, says so in a line, and the process goes on."""
    reader, writer = os.pipe()
    with waiting([python.path, CLOSES, "100000", "0.01"]) as process:
        os.close(reader)
        run = Run(["--json", "-p", str(process.pid)], json_lines=False, stdout=writer)
        os.close(writer)
        run.attached()
        process.stdin.write(b"x")
        process.stdin.flush()
        result = run.finish()
        assert process.poll() is None
    assert result.code == 6
    # The first one, of what is traced and how, may be wrapped.
    said = [line for line in result.stderr.splitlines() if not line.startswith("  ")]
    assert len(said) == 2 and said[1].startswith("fdtrace: nobody reads"), result.stderr


# --- COMMAND -------------------------------------------------------------------------------


@pytest.mark.parametrize("script, status", [
    ("exit 0", 0), ("exit 42", 42), ("exit 255", 255), ("kill -TERM $$", 143),
    ("kill -KILL $$", 137),
])
def test_exit_status(script, status):
    assert fdtrace("--", "sh", "-c", script).returncode == status


def test_error_exitcode(python):
    clean = str(harness.SIM / "dup2_ok.py")
    bad = str(harness.SIM / "bad_fd.py")
    for expected, arguments in (
        (9, ["--", python.path, DOUBLE]),
        (0, ["--", python.path, clean]),
        (9, ["--json", "-o", "/dev/null", "--", python.path, DOUBLE]),
        (9, ["--", python.path, str(harness.SIM / "dash_c.py")]),
        (3, ["--", "sh", "-c", "exit 3"]),
        (0, ["--", python.path, bad]),
    ):
        result = fdtrace("--error-exitcode", "9", *arguments)
        assert result.returncode == expected, (arguments, result.stderr)


def test_standard_streams():
    """COMMAND's input and output are its own; what fdtrace says is on standard error."""
    data = bytes(range(256)) * 1000
    result = subprocess.run([FDTRACE, "--", "cat"], input=data, capture_output=True,
                            env=clean_env(), timeout=harness.TIMEOUT)
    assert (result.returncode, result.stdout) == (0, data)
    assert b"tracing" in result.stderr


def test_reports_on_standard_error(python):
    result = fdtrace("--", python.path, DOUBLE)
    assert re.fullmatch(r"fd=\d+\n", result.stdout)
    assert "double_close.py" in result.stderr


def test_inherited_descriptors_and_signals():
    """COMMAND gets what a shell would give it: no descriptor of ours, no ignored signal."""
    script = "ls -l /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status"
    bare = subprocess.run(["sh", "-c", script], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, restore_signals=True)
    assert fdtrace("--", "sh", "-c", script).stdout == bare.stdout


def test_user_behind_sudo():
    user = pwd.getpwnam("nobody")
    env = clean_env(SUDO_UID=str(user.pw_uid), SUDO_GID=str(user.pw_gid), SUDO_USER="nobody",
                    SUDO_COMMAND="fdtrace", HOME="/root")
    script = "id -u; id -g; id -G; echo $HOME; id -ru; grep CapEff /proc/self/status"
    lines = fdtrace("--", "sh", "-c", script, env=env, cwd="/").stdout.splitlines()
    groups = os.getgrouplist("nobody", user.pw_gid)
    assert lines[0] == lines[4] == str(user.pw_uid)
    assert lines[1] == str(user.pw_gid)
    assert sorted(map(int, lines[2].split())) == sorted(groups)
    assert lines[3] == user.pw_dir
    assert int(lines[5].split()[1], 16) == 0


def test_stays_root_without_sudo():
    assert fdtrace("--", "id", "-u").stdout == "0\n"


# --- signals -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_detach(python, number):
    """The signal ends fdtrace, with a summary; the process does not notice."""
    with waiting([python.path, CLOSES, "100000", "0.01"]) as process:
        run = Run(["--json", "-p", str(process.pid)], json_lines=False).attached()
        process.stdin.write(b"x")
        process.stdin.flush()
        harness.wait_until(lambda: "double_close" in run.out.read_text(), "a finding")
        run.process.send_signal(number)
        result = run.finish()
        assert result.code == 0, result.stderr
        assert '"summary"' in result.stdout.splitlines()[-1]
        assert process.poll() is None


HANDLES_TERM = """
import signal, sys, time
def handler(number, frame):
    sys.exit(50 + number)
signal.signal(signal.SIGTERM, handler)
signal.signal(signal.SIGHUP, handler)
print("ready", flush=True)
while True:  # a signal that comes just before a sleep does not end it
    time.sleep(0.1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_is_passed_on(python, number):
    run = Run([], [python.path, "-c", HANDLES_TERM])
    harness.wait_until(lambda: "ready" in run.out.read_text(), "COMMAND is ready")
    run.process.send_signal(number)
    assert run.finish().code == 50 + number


def test_signal_kills_command():
    run = Run([], ["sh", "-c", "echo ready; exec sleep 60"])
    harness.wait_until(lambda: "ready" in run.out.read_text(), "COMMAND is ready")
    run.process.send_signal(signal.SIGTERM)
    assert run.finish().code == 128 + signal.SIGTERM


# --- targets -------------------------------------------------------------------------------


def test_children(python):
    """Followed to the grandchildren, unless asked not to."""
    script = f"sh -c '{python.path} {DOUBLE}; true'; true"
    assert started(["sh", "-c", script]).count("double_close") == 1
    assert started(["sh", "-c", script], ["--no-follow"]).findings == []


def standing_still(program, folder, **how):
    """The result where program, a word or more, runs a double close while fdtrace stands still."""
    double = shutil.copy(harness.SIM / "mkstemp.py", folder)
    script = f"echo ready; read line; $0 {double}; echo done"
    run = Run([], ["sh", "-c", script, program], clean_env(PATH="/usr/bin:/bin"),
              stdin=subprocess.PIPE, **how)
    harness.wait_until(lambda: "ready" in run.out.read_text(), "COMMAND is ready")
    run.process.send_signal(signal.SIGSTOP)
    run.process.stdin.write(b"\n")
    run.process.stdin.close()
    harness.wait_until(lambda: "done" in run.out.read_text(), "COMMAND is done")
    run.process.send_signal(signal.SIGCONT)
    return run.finish()


@pytest.mark.parametrize("apart", ["", "unshare --mount "])
def test_source_of_a_process_that_is_gone(apart, tmp_path):
    """Its lines are those of the files here only if it saw the same ones."""
    text = standing_still(apart + "python3", tmp_path, json_lines=False).stderr
    assert "double_close of fd" in text
    assert ("os.close(fd)" in text) == (not apart), text


@pytest.mark.parametrize("which", ["of PATH", "named"])
def test_python_that_a_command_starts(which, tmp_path):
    """PATH's python3, or one that the command names, has its stacks from its first call on, and
    its objects are known: fdtrace stands still meanwhile."""
    program = "python3"
    if which == "named":
        program = [p.path for p in harness.pythons() if not p.launched][-1]
    result = standing_still(program, tmp_path)
    (finding,) = [f for f in result.findings if f["kind"] == "double_close"]
    for site in ("bad", "closed", "opened"):
        assert finding["sites"][site]["python_status"] == "complete", finding
    assert finding["culprit"] == "closed"
    assert "owned_close" in [f["kind"] for f in result.findings]
    assert not [line for line in result.summary["unseen"] if "before" in line]


def test_children_of_attached(python):
    command = [python.path, str(harness.SIM / "fork_child_double.py")]
    assert harness.attached(command).count("double_close") == 1
    assert harness.attached(command, ["--no-follow"]).findings == []


def test_no_follow_keeps_threads(python):
    command = [python.path, str(harness.SIM / "double_close_threads.py")]
    assert started(command, ["--no-follow"]).count("double_close") == 1


def test_several_processes(python):
    """-p 1,2 -p 3: each its own findings; a fourth process, not named, none."""
    command = [python.path, DOUBLE]
    with contextlib.ExitStack() as stack:
        a, b, c, d = (stack.enter_context(waiting(command)) for _ in range(4))
        run = Run(["-p", f"{a.pid},{b.pid}", "-p", str(c.pid)]).attached()
        for process in (d, c, b, a):
            process.communicate(b"x", timeout=harness.TIMEOUT)
    result = run.finish()
    assert sorted(f["process"]["pid"] for f in result.findings) == sorted([a.pid, b.pid, c.pid])
    assert result.summary["processes_seen"] == 3


def test_no_python():
    """A program in C is traced all the same, and its stacks say that there is no Python."""
    result = started([harness.build(harness.SIM / "double_close.c")])
    assert result.count("double_close") == 2
    sites = [site for f in result.findings for site in f["sites"].values()]
    assert {site["python_status"] for site in sites} == {"none"}


def test_process_facts(python):
    finding = started([python.path, DOUBLE]).findings[0]
    process = finding["process"]
    assert process["exe"] == os.path.realpath(python.path)
    assert process["runtime"].startswith("CPython %d.%d" % python.version)
    assert process["comm"] == os.path.basename(python.path)[:15]


def test_two_at_once(python):
    """Two fdtraces on one process do not disturb each other."""
    with waiting([python.path, DOUBLE]) as process:
        runs = [Run(["-p", str(process.pid)]).attached() for _ in range(2)]
        process.communicate(b"x", timeout=harness.TIMEOUT)
    assert [run.finish().count("double_close") for run in runs] == [1, 1]
