#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A root of Debian 12 of another architecture: what a guest runs in, and what is built against.

Its packages are fetched once and unpacked into the cache; nothing is installed, and no package's
script runs: what those would have made, and somebody needs, is made here.
`roots.py ARCH` prints its path, and fetches it first if it is not there.

Owns: the cache's vm/roots/. Never: needs the network for what is in the cache.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import debian  # noqa: E402
from pythons import merge_usr  # noqa: E402

ROOTS = debian.CACHE / "vm" / "roots"
SUITES = ("bookworm", "bookworm-security")

SYSTEM = """base-files base-passwd bash busybox-static coreutils dash findutils gawk grep hostname
    iproute2 kmod libc-bin login mount passwd procps sed util-linux""".split()
BUILD = """gcc libc6-dev libbpf-dev libdw-dev libelf-dev liblzma-dev libseccomp-dev zlib1g-dev
    libjansson-dev libinih-dev libsystemd-dev libmicrohttpd-dev libsqlite3-dev libcurl4-openssl-dev
    libprotobuf-c-dev libcmocka-dev uthash-dev""".split()
TESTS = """python3 python3-pytest python3-jsonschema python3-gevent python3-uvloop gunicorn gdb
    strace""".split()

# A change of what is made here, or of the packages, makes a root of another name.
FORMAT = 2

# What alternatives and configuration would have made: {link: target}.
LINKS = {"usr/bin/cc": "gcc", "usr/bin/awk": "gawk"}
COPIES = {
    "etc/passwd": "usr/share/base-passwd/passwd.master",
    "etc/group": "usr/share/base-passwd/group.master",
    "etc/nsswitch.conf": "usr/share/libc-bin/nsswitch.conf",
}


def configure(root):
    merge_usr(root)
    for link, target in LINKS.items():
        (root / link).exists() or (root / link).symlink_to(target)
    for name, source in COPIES.items():
        shutil.copyfile(root / source, root / name)
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    compile_bytecode(root)


def compile_bytecode(root):
    """In emulation it would take a third of a minute at every start. Only the same version can."""
    for folder in sorted((root / "usr" / "lib").glob("python3*")):
        version = folder.name if folder.name != "python3" else "python3.11"
        if shutil.which(f"/usr/bin/{version}"):
            command = [f"/usr/bin/{version}", "-m", "compileall", "-q", "--invalidation-mode"]
            command += ["unchecked-hash", "-x", "/test/|lib2to3/tests", "-s", root, "-p", "/"]
            subprocess.run([*command, folder], stdout=subprocess.DEVNULL)


def fetch(arch):
    """The root's path."""
    root = ROOTS / f"bookworm-{arch}-{FORMAT}"
    if root.exists():
        return root
    ROOTS.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=ROOTS))
    try:
        new.chmod(0o755)
        with debian.archive(*SUITES, arch=arch) as archive:
            archive.unpack_with_needs([*SYSTEM, *BUILD, *TESTS], new)
        configure(new)
        new.rename(root)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return root


def main():
    try:
        print(fetch(sys.argv[1]))
    except debian.Unavailable as error:
        sys.exit(f"roots: not to be had: {error}")


if __name__ == "__main__":
    main()
