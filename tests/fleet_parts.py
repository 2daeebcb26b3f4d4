#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What the agent works with on a fleet, fetched of Debian into the cache: promtool.

Owns: where each is. Never: installs or starts anything.
"""
import shutil
import sys
import tempfile
from pathlib import Path

import debian

PROMETHEUS = debian.CACHE / "fleet" / "prometheus"


def promtool():
    """The program's path. Unavailable: it is not to be had here."""
    program = PROMETHEUS / "usr" / "bin" / "promtool"
    if not program.exists():
        PROMETHEUS.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=PROMETHEUS.parent) as work:
            with debian.archive("bookworm") as archive:
                archive.unpack(["prometheus"], Path(work) / "new")
            shutil.rmtree(PROMETHEUS, ignore_errors=True)
            (Path(work) / "new").rename(PROMETHEUS)
    return program


if __name__ == "__main__":
    try:
        print(promtool())
    except debian.Unavailable as why:
        sys.exit(f"promtool: {why}")
