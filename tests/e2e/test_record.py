# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""--record and replay: the same findings to the byte, to anybody, and whatever was whole."""
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import pytest

import harness
from harness import FDTRACE, SIM, Run, clean_env

CLOSES = str(Path(__file__).parent / "programs" / "closes_forever.py")
PROGRAMS = ["double_close.py", "double_close_threads.py", "fork_child_double.py", "exec_ok.py",
            "daemonize_loop.py", "socket_stolen.py", "use_after_close.py", "non_ascii.py",
            "ten_thousand_ok.py", "bad_fd.py", "kinds.c", "posix_spawn.c", "close_range.c"]
ATTACHED = ["double_close.py", "opened_before.py", "fork_child_double.py", "before_attach.c",
            "accept.c"]


def command_of(python, name):
    if name.endswith(".c"):
        return [harness.build(SIM / name)]
    return [python.path, str(SIM / name)]


@lru_cache(maxsize=None)
def copied():
    """fdtrace where everybody may run it. Not copied by this process, whose other children would
    have it open for writing when it is run."""
    folder = tempfile.mkdtemp(prefix="replay-", dir=harness.build_dir())
    os.chmod(folder, 0o755)
    subprocess.run(["cp", FDTRACE, folder], check=True)
    return Path(folder, "fdtrace")


def as_nobody(*arguments):
    """fdtrace, with no privilege at all; bytes of its standard output."""
    binary = copied()
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
               "--no-new-privs", str(binary), *arguments]
    return subprocess.run(command, capture_output=True, cwd="/", env=clean_env(),
                          timeout=harness.TIMEOUT)


def replay(recording, *options):
    """The recording is given to that user first, as one would do."""
    with tempfile.NamedTemporaryFile(dir=harness.build_dir()) as given:
        given.write(recording.read_bytes())
        given.flush()
        os.fchmod(given.fileno(), 0o644)
        return as_nobody("replay", given.name, *options)


def record(command, folder, options):
    live, recording = folder / "live", folder / "recording"
    argv = [FDTRACE, *options, "-o", live, "--record", recording, "--", *command]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                          env=clean_env(), timeout=harness.TIMEOUT)
    return done, live, recording


@pytest.mark.beside
@pytest.mark.parametrize("options", [["--json"], ["--json", "--events"], ["--all"], ["-q"]],
                         ids=" ".join)
@pytest.mark.parametrize("name", PROGRAMS)
def test_started(python, name, options, tmp_path):
    done, live, recording = record(command_of(python, name), tmp_path, options)
    again = replay(recording, *options)
    assert (again.returncode, again.stderr) == (0, b""), done.stderr
    assert again.stdout == live.read_bytes()


@pytest.mark.beside
@pytest.mark.parametrize("name", ATTACHED)
def test_attached(python, name, tmp_path):
    live, recording = tmp_path / "live", tmp_path / "recording"
    options = ["--record", str(recording), "-o", str(live), "--json", "--events"]
    with harness.waiting(command_of(python, name)) as process:
        run = Run([*options, "-p", str(process.pid)], json_lines=False).attached()
        process.communicate(b"x", timeout=harness.TIMEOUT)
    assert run.finish().code == 0
    again = replay(recording, "--json", "--events")
    assert (again.returncode, again.stderr) == (0, b"")
    assert again.stdout == live.read_bytes()


@pytest.mark.beside
def test_other_form(python, tmp_path):
    """Recorded with JSON, replayed as text: as if it had been text, source lines included."""
    program = tmp_path / "program.py"
    shutil.copy(SIM / "double_close.py", program)
    _, _, recording = record([python.path, str(program)], tmp_path, ["--json"])
    program.unlink()
    text = replay(recording, "--color=always").stdout.decode()
    assert "os.close(self.fd)  # <close>" in text and "\x1b[" in text


def test_many_records(python, tmp_path):
    """Several blocks, several threads, and a wait that lets ticks pass."""
    code = (
        "import os, threading, time\n"
        "def close(fd):\n"
        "  try: os.close(fd)\n"
        "  except OSError: pass\n"  # another thread's second close may have taken it
        "def work():\n"
        "  for i in range(8000):\n"
        "    fd = os.open('/dev/null', 0)\n"
        "    close(fd)\n"
        "    if i % 1000 == 0: close(fd)\n"
        "for t in [threading.Thread(target=work) for _ in range(4)]: t.start()\n"
        "time.sleep(0.5)\n"
    )
    command = [python.path, "-c", code]
    _, live, recording = record(command, tmp_path, ["--json", "--ring-size=64M"])
    again = replay(recording, "--json")
    assert again.returncode == 0
    assert again.stdout == live.read_bytes()
    blocks = [len(raw) for raw in harness.blocks(recording)]
    assert sum(blocks) > 64000 * 72 and len(blocks) >= 18, blocks  # 256 KiB each


def test_lost_records(python, tmp_path):
    """Gaps are in the recording, too: sequence numbers and counters."""
    command = [python.path, str(SIM / "ten_thousand_ok.py")]
    _, live, recording = record(command, tmp_path, ["--json", "--ring-size=4K"])
    assert replay(recording, "--json").stdout == live.read_bytes()


def test_error_exitcode(python, tmp_path):
    command = [python.path, str(SIM / "double_close.py")]
    _, _, recording = record(command, tmp_path, ["--json"])
    assert replay(recording, "--error-exitcode=9").returncode == 9
    assert replay(recording).returncode == 0


@pytest.mark.beside
def test_killed(python, tmp_path):
    """What had been recorded by then is reported, and that it is not all."""
    recording = tmp_path / "recording"
    with harness.waiting([python.path, CLOSES, str(int(1000 * harness.SLOW)), "0.01"]) as process:
        options = ["--json", "--all", "-o", str(tmp_path / "live"), "--record", str(recording)]
        run = Run([*options, "-p", str(process.pid)], json_lines=False).attached()
        process.stdin.write(b"x")
        process.stdin.flush()
        time.sleep(3 * harness.SLOW)
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
    again = replay(recording, "--json", "--all")
    assert again.returncode == 1
    assert b"is truncated after byte" in again.stderr and again.stderr.count(b"\n") == 1
    lines = again.stdout.splitlines(keepends=True)
    assert len(lines) > 10 and not any(b'"summary"' in line for line in lines)
    live = (tmp_path / "live").read_bytes()
    assert live.startswith(b"".join(lines[:-1]))


@pytest.mark.beside
def test_size_limit(python, tmp_path):
    """Recording stops, which is said once; the program is traced to its end."""
    options = ["--json", "--record-size=64K"]
    program = [python.path, "-c", (
        "import os\n"
        "for i in range(20000):\n"
        "  os.close(os.open('/dev/null', 0))\n"
        "  if i % 100 == 0: exec(f'def f{i}(n): return n and f{i}(n - 1) or os.dup(0)\\nf{i}(9)')\n"
        "raise SystemExit(3)\n")]
    done, live, recording = record(program, tmp_path, options)
    assert done.returncode == 3  # the program's own
    assert done.stderr.count(b"has reached --record-size") == 1
    assert recording.stat().st_size <= 64 << 10
    assert live.read_bytes().count(b'"summary"') == 1
    again = replay(recording, "--json")
    assert again.returncode == 0
    assert b"had reached --record-size" in again.stderr


@pytest.mark.beside
@pytest.mark.parametrize("kind", ["link", "device", "someone else's", "missing folder"])
def test_not_there(kind, tmp_path):
    """Nothing of anybody else's is overwritten; COMMAND is not run unrecorded."""
    target, ran = tmp_path / "target", tmp_path / "ran"
    if kind == "link":
        (tmp_path / "other").write_text("precious")
        target.symlink_to(tmp_path / "other")
    elif kind == "device":
        target = Path("/dev/null")
    elif kind == "missing folder":
        target = tmp_path / "none" / "target"
    else:
        target.write_text("precious")
        os.chown(target, 65534, 65534)
    command = [FDTRACE, "--record", str(target), "--", "touch", str(ran)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=harness.TIMEOUT)
    assert done.returncode == 6
    assert done.stderr.startswith(f"fdtrace: cannot record to {target}: ")
    assert done.stderr.count("\n") == 1
    assert not ran.exists()
    for file in tmp_path.iterdir():
        assert file.read_text() == "precious"


def test_private(tmp_path):
    _, _, recording = record(["true"], tmp_path, [])
    assert recording.stat().st_mode & 0o777 == 0o600
    again = as_nobody("replay", str(recording))
    assert again.returncode == 1 and b"Permission denied" in again.stderr


@pytest.mark.parametrize("content", [b"", b"\x89fdt", b"hello\n" * 100, None])
def test_no_recording(content, tmp_path):
    path = tmp_path / "file"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    done = subprocess.run([FDTRACE, "replay", path], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"fdtrace: cannot replay {path}: ")
    assert done.stderr.count("\n") == 1


def test_from_a_pipe(python, tmp_path):
    _, live, recording = record([harness.build(SIM / "kinds.c")], tmp_path, ["--json"])
    done = subprocess.run([FDTRACE, "replay", "--json", "/dev/stdin"], capture_output=True,
                          input=recording.read_bytes())
    assert done.stdout == live.read_bytes()


def test_nobody_reads(tmp_path):
    _, _, recording = record([harness.build(SIM / "kinds.c")], tmp_path, ["--json"])
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([FDTRACE, "replay", recording], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 6
    with open("/dev/full", "wb") as full:
        done = subprocess.run([FDTRACE, "replay", recording], stdout=full,
                              stderr=subprocess.PIPE)
    assert done.returncode == 6 and b"No space left" in done.stderr
