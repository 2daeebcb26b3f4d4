#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""CPythons that no suite of Debian has a package of, built from Debian's sources into the cache.

Free-threaded builds, and some with musl as their libc (packages gcc, make, xz-utils, musl-tools).
Minutes of two processors for each, and nothing is installed; the end-to-end tests take what is
there. `build_pythons.py [NAME…]`: builds what is missing, and lists what is there.

Owns: how each is configured. Never: builds anew what is in the cache.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import debian
from pythons import BUILT, list_all

MUSL_FFI = ("bookworm",)  # later ones come without configure
KERNEL_HEADERS = ("linux", "asm-generic", "asm")


def fetch_source(package, suites, folder):
    """The unpacked source, of the first suite whose source is to be had."""
    reasons = []
    folder.mkdir()
    for suite in suites:
        try:
            with debian.archive(suite, kind="deb-src") as archive:
                tarball = archive.source(package, folder)
        except debian.Unavailable as error:
            reasons.append(f"{suite}: {error}")
            continue
        subprocess.run(["tar", "xf", tarball], cwd=folder, check=True)
        return next(path for path in folder.iterdir() if (path / "configure").exists())
    raise debian.Unavailable("; ".join(reasons))


def musl_compiler(folder):
    """musl-gcc that finds the kernel's headers, and says of itself what it is (to configure)."""
    if not shutil.which("musl-gcc"):
        raise debian.Unavailable("musl-gcc is not installed (musl-tools)")
    headers, compiler = folder / "headers", folder / "musl-cc"
    headers.mkdir()
    for name in KERNEL_HEADERS:
        places = (Path("/usr/include", name), *Path("/usr/include").glob(f"*-linux-gnu/{name}"))
        (headers / name).symlink_to(next(place for place in places if place.exists()))
    machine = os.uname().machine
    compiler.write_text(
        "#!/bin/sh\n"
        f'case " $* " in *print-multiarch*) echo {machine}-linux-musl; exit ;; esac\n'
        f'exec musl-gcc "$@" -idirafter {headers}\n'
    )
    compiler.chmod(0o755)
    return compiler


class Work:
    """A folder for one build, and its log."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "log"

    def run(self, source, *command, **environment):
        with open(self.log, "ab") as output:
            done = subprocess.run(["nice", *map(str, command)], cwd=source, stdout=output,
                                  stderr=output, env={**os.environ, **environment})
        if done.returncode:
            last = self.log.read_text(errors="replace").splitlines()[-5:]
            raise debian.Unavailable(f"{command[0]} failed: {' / '.join(last)}")

    def make(self, source, *targets):
        self.run(source, "make", f"-j{os.cpu_count()}", *targets)

    def ffi(self, compiler):
        """libffi for musl, whose directories have none: ctypes needs it."""
        source, folder = fetch_source("libffi", MUSL_FFI, self.folder / "ffi"), self.folder / "ffi"
        self.run(source, "./configure", f"CC={compiler}", f"--prefix={folder}", "--disable-shared",
                 "--with-pic", "--disable-docs", "--disable-multi-os-directory")
        self.make(source, "install")
        return folder


def build(built, work):
    source = fetch_source(built.package, built.suites, work.folder / "source")
    new = built.folder.with_name(f".new-{built.name}")
    shutil.rmtree(new, ignore_errors=True)
    options, flags, environment = list(built.options), f"-Wl,-rpath,{built.folder}/lib", {}
    if built.musl:
        compiler = musl_compiler(work.folder)
        ffi = work.ffi(compiler)
        options += [f"CC={compiler}", f"CPPFLAGS=-I{ffi}/include"]
        flags += f" -L{ffi}/lib"
        # The machine's own libraries are glibc's.
        environment = {"PKG_CONFIG": "/bin/false", "LIBFFI_CFLAGS": f"-I{ffi}/include",
                       "LIBFFI_LIBS": f"-L{ffi}/lib -lffi"}
    work.run(source, "./configure", f"--prefix={built.folder}", "--enable-shared",
             "--without-ensurepip", "--disable-test-modules", f"LDFLAGS={flags}", *options,
             **environment)
    work.make(source)
    work.run(source, "make", "install", f"DESTDIR={new}")
    # Installed aside and moved: what is there is whole.
    built.folder.parent.mkdir(parents=True, exist_ok=True)
    Path(f"{new}{built.folder}").rename(built.folder)
    shutil.rmtree(new)


def get(built):
    """The program, built if it is not there."""
    if not built.program.exists():
        with tempfile.TemporaryDirectory(prefix="fdtrace-build-") as work:
            build(built, Work(Path(work)))
    return built.program


if __name__ == "__main__":
    sys.exit(list_all([b for b in BUILT if b.name in sys.argv[1:] or not sys.argv[1:]], get))
