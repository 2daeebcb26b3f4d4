# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Packages of any of Debian's suites, fetched and unpacked; nothing is installed.

Owns: a private apt configuration, whose mirror is that of the machine's own sources, and the
place of the cache. Never: touches the machine's own packages, lists or configuration.
"""
import os
import platform
import re
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fdtrace"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


class Unavailable(Exception):
    """This can't be had here, and why."""


def mirrors():
    """(archive, security archive) as the machine's own apt has them."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages"]
    uris = subprocess.check_output(command, text=True).split()
    archive = next((u for u in uris if re.search(r"/debian/?$", u)), None)
    if not archive:
        raise Unavailable("no Debian archive in this machine's apt sources")
    security = next((u for u in uris if re.search(r"/debian-security/?$", u)), None)
    return archive, security or archive.rstrip("/") + "-security/"


def apt_environment(suites, work, arch, kind="deb"):
    """The environment of an apt that knows these suites alone, and has nothing installed.
    kind: deb, or deb-src for their sources."""
    archive, security = mirrors()
    lines = [
        f"{kind} [arch={arch} signed-by={KEYRING}] "
        f"{security if suite.endswith('-security') else archive} {suite} main\n"
        for suite in suites
    ]
    (work / "sources.list").write_text("".join(lines))
    (work / "status").touch()
    for folder in ("lists/partial", "archives/partial"):
        (work / folder).mkdir(parents=True)
    # Old suites are no longer signed anew: their date is allowed to be over.
    (work / "apt.conf").write_text(
        f'Dir::State "{work}"; Dir::State::status "{work}/status"; Dir::Cache "{work}";\n'
        f'Dir::Etc::sourcelist "{work}/sources.list"; Dir::Etc::sourceparts "-";\n'
        f'Dir::Etc::preferences "-"; Dir::Etc::preferencesparts "-";\n'
        f'APT::Architecture "{arch}"; APT::Architectures {{ "{arch}"; }};\n'
        'APT::Sandbox::User "root"; Acquire::Languages "none";\n'
        'Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false";\n'
    )
    return {**os.environ, "APT_CONFIG": str(work / "apt.conf")}


class Archive:
    """Some suites' packages, or their sources (kind deb-src), as of now."""

    def __init__(self, suites, work, arch, kind):
        self.work = work
        self.env = apt_environment(suites, work, arch, kind)
        self.run("apt-get", "-qq", "update")

    def run(self, *command):
        done = subprocess.run(
            command, env=self.env, cwd=self.work, text=True, capture_output=True
        )
        if done.returncode:
            raise Unavailable(f"{' '.join(command[:2])}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def names(self, prefix):
        return set(self.run("apt-cache", "pkgnames", prefix).split())

    def unpack(self, packages, folder):
        """These packages alone."""
        self.run("apt-get", "-qq", "download", *packages)
        self._extract(self.work, folder)

    def unpack_with_needs(self, packages, folder):
        """These packages and all that they depend on."""
        command = ("apt-get", "-qq", "-y", "--no-install-recommends", "--download-only")
        self.run(*command, "install", *packages)
        self._extract(self.work / "archives", folder)

    def source(self, package, folder):
        """The file of upstream's source, put into the folder."""
        self.run("apt-get", "-qq", "--download-only", "--tar-only", "source", package)
        return next(self.work.glob("*.orig.tar.*")).rename(folder / "source.tar")

    def _extract(self, where, folder):
        for package in sorted(where.glob("*.deb")):
            self.run("dpkg", "-x", str(package), str(folder))
            package.unlink()


@contextmanager
def archive(*suites, arch=ARCH, kind="deb"):
    with tempfile.TemporaryDirectory(prefix="fdtrace-apt-") as work:
        yield Archive(suites, Path(work), arch, kind)
