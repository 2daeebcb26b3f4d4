# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Debian's kernels, fetched once and unpacked into a cache; nothing is installed.

Owns: the cache's kernels/ and apt/, and a private apt configuration, whose mirror is that of the
machine's own sources. A kernel that the archive no longer has is taken from the cache.
"""
import os
import platform
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fdtrace" / "vm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]

# Where a series is to be had. "newest" is the highest version of its suites.
SUITES = {
    "5.10": ["bullseye-security"],
    "6.1": ["bookworm-security", "bookworm"],
    "6.12": ["trixie-security", "trixie"],
    "6.18": ["trixie-backports"],
    "newest": ["trixie-backports", "sid"],
}


class Unavailable(Exception):
    """This kernel can't be had here, and why."""


@dataclass
class Kernel:
    series: str
    folder: Path  # the unpacked packages

    @property
    def image(self):
        """In /boot, since 6.19 beside the modules."""
        return next(self.folder.glob("**/vmlinuz*"))

    @property
    def modules(self):
        return next(p.parent for p in self.folder.glob("**/modules/*/kernel"))

    @property
    def release(self):
        return self.modules.name

    def module_files(self, names):
        """The files of modules, each behind those that it needs; what is built in has none."""
        base = self.modules
        needs = {}
        for line in (base / "modules.dep").read_text().splitlines():
            file, _, after = line.partition(":")
            needs[file] = after.split()
        by_name = {re.split(r"\.ko", Path(f).name)[0].replace("-", "_"): f for f in needs}
        files = []
        for name in names:
            file = by_name.get(name)
            if file:
                files += [f for f in [*reversed(needs[file]), file] if f not in files]
        return [base / f for f in files]


def mirrors():
    """(archive, security archive) as the machine's own apt has them."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages"]
    uris = subprocess.check_output(command, text=True).split()
    archive = next((u for u in uris if re.search(r"/debian/?$", u)), None)
    if not archive:
        raise Unavailable("no Debian archive in this machine's apt sources")
    security = next((u for u in uris if re.search(r"/debian-security/?$", u)), None)
    return archive, security or archive.rstrip("/") + "-security/"


def apt_environment(suites, work):
    """The environment of an apt that knows these suites alone, and has nothing installed."""
    archive, security = mirrors()
    lines = [
        f"deb [arch={ARCH} signed-by={KEYRING}] "
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
        f'APT::Architecture "{ARCH}"; APT::Architectures {{ "{ARCH}"; }};\n'
        'APT::Sandbox::User "root"; Acquire::Languages "none";\n'
        'Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false";\n'
    )
    return {**os.environ, "APT_CONFIG": str(work / "apt.conf")}


def by_version(name):
    return [int(n) for n in re.findall(r"\d+", name)]


def choose(series, names):
    """The newest signed cloud image of the series."""
    version = r"\d" if series == "newest" else re.escape(series) + r"\."
    pattern = re.compile(rf"linux-image-({version}\S*-cloud-{ARCH})")
    found = [m.group(1) for m in map(pattern.fullmatch, names) if m and re.search(r"\.\d+", m[1])]
    # linux-image-6.1-cloud-amd64 and the like only depend on a kernel.
    found = [f for f in found if re.match(r"\d+\.\d+\.\d+", f)]
    if not found:
        raise Unavailable(f"no kernel {series} in {', '.join(SUITES[series])}")
    return max(found, key=by_version)


def download(series, folder):
    """Fetches and unpacks into folder."""
    with tempfile.TemporaryDirectory(prefix="fdtrace-apt-") as work:
        env = apt_environment(SUITES[series], Path(work))

        def run(*command):
            done = subprocess.run(command, env=env, cwd=work, text=True, capture_output=True)
            if done.returncode:
                raise Unavailable(f"{' '.join(command[:2])}: {done.stderr.strip()[-400:]}")
            return done.stdout

        run("apt-get", "-qq", "update")
        names = set(run("apt-cache", "pkgnames", "linux-").split())
        version = choose(series, names)
        parts = [f"linux-{part}-{version}" for part in ("image", "binary", "modules", "base")]
        run("apt-get", "-qq", "download", *[p for p in parts if p in names])
        for package in Path(work).glob("*.deb"):
            run("dpkg", "-x", str(package), str(folder))


def fetch(series):
    """The kernel of a series, from the cache if it is there."""
    folder = CACHE / "kernels" / f"{series}-{ARCH}"
    kernel = Kernel(series, folder)
    if folder.exists():
        return kernel
    folder.parent.mkdir(parents=True, exist_ok=True)
    unpacked = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        download(series, unpacked)
        new = Kernel(series, unpacked)
        (unpacked / "lib").is_dir() or (unpacked / "lib").symlink_to("usr/lib")
        subprocess.run(["depmod", "-b", unpacked, new.release], check=True)
        unpacked.rename(folder)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return kernel
