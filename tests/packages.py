#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Packages from PyPI for the Pythons of the tests, installed once into a cache, outside of
the Pythons' own: each has a folder for each Python, which PYTHONPATH names.

`packages.py`: installs what is missing of all, for every Python here, and lists what is there.
A Python without a pip of its own gets wheels by the pip of the one that runs this. A package that
is not to be had for a Python, or not without a network, is said to be unavailable, and why.

Owns: the cache's packages/. Never: needs the network for what is in the cache; builds anything.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import debian

CACHE = debian.CACHE / "packages"
SECONDS = 300
# What the tests use. One that a Python is too old or too new for is left out there.
WANTED = ("greenlet", "gevent", "eventlet", "trio", "anyio", "uvloop", "pyzmq", "aiofiles", "redis",
          "flask", "gunicorn")

_lock = threading.Lock()
_refused = {}
_checked = set()


class Unavailable(Exception):
    """This package can't be had for this Python here, and why."""


def has_pip(python):
    command = [python.path, "-m", "pip", "--version"]
    return not python.launched and not subprocess.run(command, capture_output=True).returncode


def pip(python):
    """The pip that installs for this Python."""
    if has_pip(python):
        return [python.path, "-m", "pip", "install"]
    number = "%d%d" % python.version
    return [sys.executable, "-m", "pip", "install", "--implementation", "cp",
            "--python-version", number, "--abi", f"cp{number}{python.kind}", "--abi", "abi3",
            "--abi", "none"]


def _install(python, package, folder):
    command = [*pip(python), "--quiet", "--only-binary=:all:", "--target", str(folder), package]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        errors = re.findall(r"(?:ERROR: )?([Nn]o matching distribution.*)", done.stderr)
        raise Unavailable(errors[-1] if errors else done.stderr.strip()[-200:])


def install(python, package):
    """The folder of a package for this Python, from the cache if it is there."""
    folder = CACHE / python.label / package
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=CACHE))
    try:
        _install(python, package, new)
        new.chmod(0o755)
        new.rename(folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(str(error)) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder


# Whose modules have another name.
MODULES = {"pyzmq": "zmq", "opentelemetry-proto": "opentelemetry.proto.logs.v1.logs_pb2"}


def check(python, package, folder):
    """A Python in a root of its own may lack what a package is linked with (libstdc++)."""
    command = [python.path, "-c", f"import {MODULES.get(package, package)}"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    folders = [str(folder.parent / name) for name in os.listdir(folder.parent)]
    done = subprocess.run(command, env={**env, "PYTHONPATH": os.pathsep.join(folders)},
                          capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise Unavailable((done.stderr.strip().splitlines() or ["it cannot be imported"])[-1])


def path(python, *packages):
    """What PYTHONPATH needs for these packages; Unavailable. What was refused once is not asked for
    again in this run."""
    folders = []
    with _lock:
        for package in packages:
            key = (python.label, package)
            try:
                if key not in _refused:
                    folder = install(python, package)
                    if key not in _checked:
                        check(python, package, folder)
                        _checked.add(key)
                    folders.append(str(folder))
                    continue
            except Unavailable as error:
                _refused[key] = f"{package} for {python.label}: {error}"
            raise Unavailable(_refused[key])
    return folders


def main():
    sys.path.insert(0, str(Path(__file__).parent / "e2e"))
    import harness

    for python in harness.pythons():
        for package in WANTED:
            try:
                print(*path(python, package), flush=True)
            except Unavailable as error:
                print(f"not to be had: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
