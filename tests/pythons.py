#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Debian's CPythons of other suites, fetched once into a cache; nothing is installed.

Each is unpacked with all that it needs, its libc included, into a root of its own, and runs in
there through a small launcher that bears its name (tests/e2e/in_root.c): as a program in a
container does, whose libraries the host does not have. A Python that the archive no longer has is
taken from the cache. `pythons.py`: fetches what is missing, or was fetched without a package that is
wanted now, and lists what is there.
What build_pythons.py has built is found here too.

Owns: the cache's pythons/ and built/. Never: needs the network for what is in the cache.
"""
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import debian

CACHE = debian.CACHE / "pythons"
LAUNCHER = Path(__file__).parent / "e2e" / "in_root.c"


@dataclass(frozen=True)
class Wanted:
    suites: tuple
    program: str  # in /usr/bin of the root
    packages: tuple

    @property
    def name(self):
        return f"{self.program}-{self.suites[-1]}-{debian.ARCH}"

    @property
    def launcher(self):
        return CACHE / self.name / self.program

    @property
    def list(self):
        """The file that names the packages which were asked for."""
        return CACHE / self.name / "packages"

    def is_there(self):
        return self.launcher.exists() and self.list.exists() and (
            self.list.read_text().split() == list(self.packages))


# What programs start that are written in Python, and what modules are linked with that are not.
SYSTEM = ("base-files", "coreutils", "dash", "libc-bin", "libstdc++6")


def plain(suites, version, *more):
    packages = (f"python{version}", f"libpython{version}", *SYSTEM, *more)
    return Wanted(tuple(suites), f"python{version}", packages)


WANTED = [
    plain(["bullseye"], "3.9"),
    plain(["trixie"], "3.13"),
    plain(["sid"], "3.13"),
    plain(["sid"], "3.14"),
    plain(["sid"], "3.15"),
    Wanted(("sid",), "python3.14-dbg", ("python3.14-dbg", *SYSTEM)),
    Wanted(("sid",), "pypy3", ("pypy3", *SYSTEM)),
]


@dataclass(frozen=True)
class Built:
    name: str
    suites: tuple  # the source is taken of the first that has it
    options: tuple = ()
    musl: bool = False

    @property
    def package(self):
        """3.13t's source is python3.13's."""
        return self.name.rstrip("t").partition("-")[0]

    @property
    def folder(self):
        return debian.CACHE / "built" / self.name

    @property
    def program(self):
        return self.folder / "bin" / self.name.partition("-")[0]


BUILT = [
    Built("python3.13t", ("sid", "forky", "trixie"), ("--disable-gil",)),
    Built("python3.14t", ("sid", "forky"), ("--disable-gil",)),
    Built("python3.15t", ("sid",), ("--disable-gil",)),
    Built("python3.13-musl", ("sid", "forky", "trixie"), musl=True),
    Built("python3.11-musl", ("bookworm",), musl=True),
    # Where every local variable stands in the stack, and none in a register.
    Built("python3.11-O0", ("bookworm",), ("OPT=-O0 -g",)),
]


def merge_usr(root):
    """The links that base-files, or its configuration, makes for /usr."""
    for name in ("bin", "sbin", "lib", "lib64"):
        old = root / name
        if old.is_dir() and not old.is_symlink():
            (root / "usr" / name).mkdir(parents=True, exist_ok=True)
            shutil.copytree(old, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(old)
        if not old.is_symlink():
            old.symlink_to(f"usr/{name}")


def download(wanted, folder):
    root = folder / "root"
    root.mkdir(mode=0o755)
    with debian.archive(*wanted.suites) as archive:
        archive.unpack_with_needs(wanted.packages, root)
    merge_usr(root)
    # What base-passwd makes when it is configured: programs expect it.
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    build_launcher(folder / wanted.program)
    (folder / wanted.list.name).write_text("\n".join(wanted.packages) + "\n")


def build_launcher(path):
    subprocess.run(["cc", "-O1", "-Wall", "-o", path, LAUNCHER], check=True)


def fetch(wanted):
    """The launcher's path, from the cache if it is there."""
    if wanted.is_there():
        build_launcher(wanted.launcher)
        return wanted.launcher
    CACHE.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=CACHE))
    new, here = work / "new", CACHE / wanted.name
    try:
        new.mkdir()
        new.chmod(0o755)
        download(wanted, new)
        if here.exists():
            here.rename(work / "old")
        new.rename(here)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return wanted.launcher


def cached(prefix="python"):
    """Launchers that are there already."""
    return [w.launcher for w in WANTED if w.program.startswith(prefix) and w.launcher.exists()]


def built():
    """Programs that build_pythons.py has made."""
    return [b.program for b in BUILT if b.program.exists()]


def list_all(wanted, get):
    """Gets each, and prints what it says of itself; the exit status."""
    lacking = 0
    for one in wanted:
        try:
            text = subprocess.run([get(one), "-V"], text=True, capture_output=True)
            print(f"{one.name}: {text.stdout.strip() or text.stderr.strip()}", flush=True)
        except debian.Unavailable as error:
            lacking += 1
            print(f"{one.name}: not to be had: {error}", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(list_all(WANTED, fetch))
