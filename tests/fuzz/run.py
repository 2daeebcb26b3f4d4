#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Runs the fuzz targets of this folder (fuzz_NAME.c, built into FOLDER by make).

run.py FOLDER check   each replays the inputs kept in corpus/NAME.tar.xz, and runs for a few seconds
run.py FOLDER fuzz    each runs for --seconds; what it finds new stays in FOLDER/corpus/NAME
run.py FOLDER keep    the smallest inputs that reach all that FOLDER/corpus/NAME reaches go into
                      corpus/NAME.tar.xz

Kept inputs are unpacked into FOLDER/kept/NAME. An input that breaks a target is left as
FOLDER/NAME-crash-…, and named.
"""

import argparse
import io
import lzma
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEEDS = HERE / "seeds.py"

# Beyond these an input says nothing new.
LONGEST = {"code": 16384, "elf": 16384, "linetable": 1024, "mend": 512, "native": 16384,
           "proc": 4096, "published": 512, "recording": 12288, "script": 512, "service": 1024,
           "text": 1024}
# Kept inputs of one target, bytes in all.
KEPT_BYTES = 120_000


def pack(archive, inputs):
    """{name: bytes} into a file, the same bytes for the same inputs: sorted, of no user, no time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted(inputs.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    archive.write_bytes(lzma.compress(packed.getvalue(), preset=9))


def unpack(archive, folder):
    """What pack() made, as files of folder, and nothing else there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not archive.exists():
        return
    with tarfile.open(archive, "r:xz") as tar:
        for member in tar:
            (folder / Path(member.name).name).write_bytes(tar.extractfile(member).read())


class Target:
    def __init__(self, name, folder):
        self.name = name
        self.program = folder / f"fuzz_{name}"
        self.archive = HERE / "corpus" / f"{name}.tar.xz"
        self.kept = folder / "kept" / name
        self.found = folder / "corpus" / name
        self.artifacts = folder / f"{name}-"
        self.found.mkdir(parents=True, exist_ok=True)
        unpack(self.archive, self.kept)

    def run(self, *arguments):
        """The exit status; libFuzzer's own words are shown only after a failure."""
        command = [self.program, "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
                   f"-artifact_prefix={self.artifacts}", *arguments]
        if self.name in LONGEST:
            command.insert(1, f"-max_len={LONGEST[self.name]}")
        result = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        output = result.stdout.decode(errors="replace")
        if result.returncode:
            print("\n".join(output.splitlines()[-60:]))
        runs = [line.split()[-1] for line in output.splitlines() if "executed_units" in line]
        return result.returncode, int(runs[-1]) if runs else 0

    def inputs(self):
        return [folder for folder in (self.kept, self.kept.parents[1] / "seeds" / self.name)
                if folder.is_dir()]

    def check(self, seconds):
        """The kept inputs, then new ones that are thrown away."""
        kept = sorted(path for folder in self.inputs() for path in folder.iterdir())
        status, _ = self.run(*kept) if kept else (0, 0)
        if status:
            return status, 0
        with tempfile.TemporaryDirectory() as fresh:
            return self.run(f"-max_total_time={seconds}", fresh, *self.inputs())

    def fuzz(self, seconds):
        return self.run(f"-max_total_time={seconds}", self.found, *self.inputs())

    def keep(self):
        """Smallest first, as many as there is room for: libFuzzer's merge orders them so."""
        with tempfile.TemporaryDirectory() as fresh:
            status, _ = self.run("-merge=1", fresh, self.found, *self.inputs())
            if status:
                return status, 0
            kept, room = {}, KEPT_BYTES
            for path in sorted(Path(fresh).iterdir(), key=lambda path: path.stat().st_size):
                room -= path.stat().st_size
                if room < 0:
                    break
                kept[path.name] = path.read_bytes()
        pack(self.archive, kept)
        return 0, len(kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("action", choices=("check", "fuzz", "keep"))
    parser.add_argument("targets", nargs="*", help="names (default: all)")
    parser.add_argument("--seconds", type=int, default=5, help="of each target (default 5)")
    options = parser.parse_args()
    subprocess.run([sys.executable, "-B", SEEDS, options.folder / "seeds"], check=True)
    names = options.targets or sorted(path.stem[len("fuzz_"):] for path in HERE.glob("fuzz_*.c"))
    failed = 0
    for name in names:
        target = Target(name, options.folder)
        if options.action == "keep":
            status, count = target.keep()
        else:
            status, count = getattr(target, options.action)(options.seconds)
        words = "inputs kept" if options.action == "keep" else "new inputs run"
        print(f"{name}: {'FAILED' if status else f'{count} {words}'}", flush=True)
        failed += bool(status)
    print(f"fuzz: {len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
