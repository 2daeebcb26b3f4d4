# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The calls that failed with EBADF are the ones that strace sees."""
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import harness

PROGRAM = Path(__file__).parent / "programs" / "ebadf.c"
# The descriptor is the first argument; mmap's is the last but one.
STRACE_LINE = re.compile(r"^(?:(mmap)\(.*, (-?\d+), \w+|(\w+)\((-?\d+).*)\) += -1 EBADF", re.M)


def by_strace(command, folder):
    """-ff: a file for each thread, so that no line is cut in two."""
    null = subprocess.DEVNULL
    strace = ["strace", "-ff", "-e", "trace=all", "-o", str(folder / "strace")]
    subprocess.run([*strace, *command], env=harness.clean_env(), stdin=null, stdout=null,
                   check=True, timeout=harness.TIMEOUT)
    text = "\n".join(path.read_text() for path in folder.glob("strace.*"))
    assert text.count("= -1 EBADF") == len(STRACE_LINE.findall(text))
    return Counter((m[1] or m[3], int(m[2] or m[4])) for m in STRACE_LINE.finditer(text))


def bad_number(call):
    """The number that a call looked up first."""
    return next(call[key] for key in ("from", "dir_fd", "listener", "fd") if key in call)


def by_fdtrace(command):
    result = harness.started(command, ["--events"])
    return Counter(
        (call["call"].partition("(")[0], bad_number(call))
        for call in result.calls
        if call["result"] == "EBADF"
    )


@pytest.mark.skipif(not shutil.which("strace"), reason="strace: not on this machine")
def test_same_as_strace_c(tmp_path):
    command = [harness.build(PROGRAM)]
    expected = by_strace(command, tmp_path)
    assert len(expected) > 30
    assert by_fdtrace(command) == expected


@pytest.mark.skipif(not shutil.which("strace"), reason="strace: not on this machine")
def test_same_as_strace_python(tmp_path, python):
    code = (
        "import os, socket, subprocess\n"
        "for i in range(5):\n"
        "  s = socket.socket(); os.close(s.fileno()); del s\n"
        "  for fd in (-1, 5, 40 + i):\n"
        "    for call in (os.close, os.fstat, os.dup, os.fsync, os.get_inheritable):\n"
        "      try: call(fd)\n"
        "      except (OSError, ValueError): pass\n"
        "subprocess.run(['/bin/sh', '-c', 'exec 7>&-; echo x >&9; true'], stderr=-3)\n"
    )
    command = [python.path, "-c", code]
    expected = by_strace(command, tmp_path)
    assert sum(expected.values()) > 60
    assert by_fdtrace(command) == expected
