# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What the adversary's tests share: who the adversary is, and his processes.

Owns: every process that a test starts. Never: signals one that it did not start.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import harness

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
SUDO = {"SUDO_UID": str(NOBODY), "SUDO_GID": str(NOBODY), "SUDO_USER": "nobody"}


@contextlib.contextmanager
def shared_folder():
    """A folder in which anybody may make files, as /tmp is one; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="fdtrace-adversary-"))
    folder.chmod(0o1777)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def give(path):
    """The adversary's own."""
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return path


def fdtrace(*arguments, env=None, **popen):
    """Root's fdtrace, to its end."""
    return subprocess.run([harness.FDTRACE, *harness.HOOKS, *map(str, arguments)],
                          env=env or harness.clean_env(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=harness.TIMEOUT, **popen)
