# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Debian's kernels, fetched once and unpacked into a cache; nothing is installed.

Owns: the cache's vm/kernels/. A kernel that the archive no longer has is taken from the cache.
"""
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import debian  # noqa: E402
from debian import ARCH, Unavailable  # noqa: E402

CACHE = debian.CACHE / "vm"

# Where a series is to be had. "newest" is the highest version of its suites.
SUITES = {
    "5.10": ["bullseye-security"],
    "6.1": ["bookworm-security", "bookworm"],
    "6.12": ["trixie-security", "trixie"],
    "6.18": ["trixie-backports"],
    "newest": ["trixie-backports", "sid"],
}


@dataclass
class Kernel:
    series: str
    arch: str
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


def by_version(name):
    return [int(n) for n in re.findall(r"\d+", name)]


def choose(series, names, arch):
    """The newest signed cloud image of the series."""
    version = r"\d" if series == "newest" else re.escape(series) + r"\."
    pattern = re.compile(rf"linux-image-({version}\S*-cloud-{arch})")
    found = [m.group(1) for m in map(pattern.fullmatch, names) if m and re.search(r"\.\d+", m[1])]
    # linux-image-6.1-cloud-amd64 and the like only depend on a kernel.
    found = [f for f in found if re.match(r"\d+\.\d+\.\d+", f)]
    if not found:
        raise Unavailable(f"no kernel {series} in {', '.join(SUITES[series])}")
    return max(found, key=by_version)


def download(series, folder, arch):
    """Fetches and unpacks into folder."""
    with debian.archive(*SUITES[series], arch=arch) as archive:
        names = archive.names("linux-")
        version = choose(series, names, arch)
        parts = [f"linux-{part}-{version}" for part in ("image", "binary", "modules", "base")]
        archive.unpack([p for p in parts if p in names], folder)


def fetch(series, arch=ARCH):
    """The kernel of a series, from the cache if it is there."""
    folder = CACHE / "kernels" / f"{series}-{arch}"
    kernel = Kernel(series, arch, folder)
    if folder.exists():
        return kernel
    folder.parent.mkdir(parents=True, exist_ok=True)
    unpacked = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        download(series, unpacked, arch)
        new = Kernel(series, arch, unpacked)
        (unpacked / "lib").is_dir() or (unpacked / "lib").symlink_to("usr/lib")
        subprocess.run(["depmod", "-b", unpacked, new.release], check=True)
        unpacked.rename(folder)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return kernel
