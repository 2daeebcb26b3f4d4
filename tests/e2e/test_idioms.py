# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Loops over numbers, lists of what is open, and questions are told as info; bugs like them are not."""
import re
from pathlib import Path

import pytest

import harness

pytestmark = pytest.mark.beside

PROGRAM = Path(__file__).parent / "programs" / "idioms.py"
NAMES = re.findall(r"^def ((?:healthy|real)_\w+)", PROGRAM.read_text(), re.M)


def names(finding):
    """Of the idioms in which it was found: by any of its stacks."""
    sites = finding["sites"].values()
    return {frame["function"] for site in sites for frame in site.get("python", [])} & set(NAMES)


@pytest.mark.parametrize("interpreter", harness.pythons_once(), ids=lambda p: p.label)
def test_idioms(interpreter):
    result = harness.started([interpreter.path, str(PROGRAM)], ["--all"],
                             harness.pausing(interpreter))
    assert result.status == 0, result.stderr
    loud = [f for f in result.findings if f["severity"] != "info"]
    assert all(names(finding) for finding in loud), loud
    told = set().union(*map(names, loud))
    assert told == {name for name in NAMES if name.startswith("real_")}
    for finding in result.findings:
        reason = " ".join(finding["notes"])
        assert finding in loud or finding["kind"] in ("bad_fd", "close_sweep") or (
            "little weight" in reason or "of weight only" in reason), finding
