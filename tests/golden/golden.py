#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Golden recordings: sessions of long ago, and what is said of them today.

check: each NAME.fdt replays to NAME.jsonl, to the byte; needs no root and no kernel.
expect: writes NAME.jsonl anew, after a change of verdicts or of words: read the difference.
record [SESSION…]: makes these recordings, or all, anew (root), and what is expected of them.

Recordings are kept when the tool changes: an old one must replay for ever.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "e2e"))
import harness  # noqa: E402

# Where the simulators are copied to, so that recordings hold no path of a checkout.
PLACE = Path("/tmp/fdtrace-golden")
PYTHON = "/usr/bin/python3"

# Simulators; of those that end in +attached, fdtrace attaches to the running program.
SESSIONS = [
    "bad_fd.py", "daemonize_loop.py", "double_close.py", "double_close_threads.py",
    "dup2_twice.py", "exec_ok.py", "fdopen_close.py", "fork_child_double.py",
    "opened_before.py+attached", "reopened_between.py", "socket_stolen.py", "threads_ok.py",
    "use_after_close.py", "before_attach.c+attached", "close_range.c", "double_close.c",
    "kinds.c", "posix_spawn.c", "vfork_ok.c",
    "doc_example.py", "reused_file.py", "reused_socket.py", "reused_raw_threads.py",
    "reused_raw_owner.py", "garbage_collected.py", "fork_owner.py", "bpo_18748.py", "owners_ok.py",
]


def replay(recording):
    done = subprocess.run([harness.FDTRACE, "replay", "--json", "--all", recording],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def recordings():
    return sorted(FOLDER.glob("*.fdt"))


def command_of(name):
    source = PLACE / name
    if source.suffix == ".py":
        return [PYTHON, str(source)]
    shutil.copy(harness.build(harness.SIM / name), PLACE / source.stem)
    return [str(PLACE / source.stem)]


def record(session):
    """One session, live: its recording, and what was reported of it then."""
    name, _, attached = session.partition("+")
    path = FOLDER / (name.replace(".", "_") + ".fdt")
    path.unlink(missing_ok=True)
    run = harness.attached if attached else harness.started
    env = harness.clean_env(PYTHONPATH=str(PLACE))
    run(command_of(name), ["--record", str(path)], env=env, cwd="/")
    path.chmod(0o644)


def record_all(sessions=()):
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.copytree(harness.SIM, PLACE, ignore=shutil.ignore_patterns("__pycache__"))
    for session in sessions or SESSIONS:
        record(session)
    shutil.rmtree(PLACE)
    return expect_all()


def expect_all():
    failed = 0
    for path in recordings():
        code, lines, errors = replay(path)
        path.with_suffix(".jsonl").write_bytes(lines)
        failed += code != 0
        if code:
            print(f"{path.name}: exit status {code}: {errors}")
    return failed


def first_difference(expected, got):
    for number, (want, have) in enumerate(zip(expected.splitlines(), got.splitlines()), 1):
        if want != have:
            return f"line {number}:\n  expected {want.decode()}\n  got      {have.decode()}"
    return f"{expected.count(10)} lines expected, {got.count(10)} got"


def check(path):
    code, lines, errors = replay(path)
    expected = path.with_suffix(".jsonl").read_bytes()
    if code or errors:
        print(f"{path.name}: exit status {code}: {errors}")
    elif lines != expected:
        print(f"{path.name}: {first_difference(expected, lines)}")
    return code == 0 and not errors and lines == expected


def check_all():
    good = [check(path) for path in recordings()]
    print(f"golden: {sum(good)} passed, {len(good) - sum(good)} failed")
    return len(good) - sum(good) or not good


if __name__ == "__main__":
    WHAT = {"check": check_all, "expect": expect_all, "record": record_all}
    what, sessions = WHAT[sys.argv[1]], sys.argv[2:]
    sys.exit(bool(what(sessions) if sessions else what()))
