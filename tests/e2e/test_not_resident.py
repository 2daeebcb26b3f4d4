# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What is not resident at the call, so that no probe can read it: fdtrace reads it from the live
process, if it is that code object still, or says that it is missing."""
import json
import re
import subprocess
from pathlib import Path

import pytest

import harness
from harness import FDTRACE

pytestmark = pytest.mark.beside

PROGRAM = Path(__file__).parent / "programs" / "not_resident.py"
LINES = PROGRAM.read_text().splitlines()
LINE = 1 + next(i for i, line in enumerate(LINES) if "BUG" in line)
PARTS = ["none", "file", "name", "table", "file,name,table"]
LONG = ["long", "long,table", "long,name,table", "long,table,tail"]
LONGER = int(re.search(r"^LONGER = (\d+)$", PROGRAM.read_text(), re.M)[1])
PYTHONS = [python for python in harness.pythons() if python.version >= (3, 8)]
by_label = pytest.mark.parametrize("interpreter", PYTHONS, ids=lambda p: p.label)


def trace(interpreter, *arguments, options=()):
    result = harness.attached([interpreter.path, str(PROGRAM), *arguments], options)
    finding, = result.findings
    assert finding["kind"] == "double_close"
    return finding, finding["sites"]["bad"]["python"][0]


@by_label
@pytest.mark.parametrize("parts", PARTS)
def test_read_again(interpreter, parts, tmp_path):
    recording = tmp_path / "recording"
    finding, frame = trace(interpreter, parts, options=["--record", str(recording)])
    assert (frame["file"], frame["function"], frame["line"]) == (str(PROGRAM), "twice", LINE)
    assert finding["sites"]["bad"]["python_status"] == "complete"
    replayed = [json.loads(line) for line in subprocess.run(
        [FDTRACE, "replay", "--json", str(recording)], stdout=subprocess.PIPE).stdout.splitlines()]
    assert finding in replayed


@by_label
@pytest.mark.parametrize("parts", LONG)
def test_long_tables(interpreter, parts):
    """Of many pieces, the first or a later one of which could not be read."""
    _, frame = trace(interpreter, parts)
    assert (frame["function"], frame.get("line")) == ("twice", LINE + LONGER)


@by_label
@pytest.mark.parametrize("parts", PARTS[1:])
def test_gone_at_once(interpreter, parts):
    """Exact, or missing: never another name or line."""
    _, frame = trace(interpreter, parts, "exit")
    assert frame.get("function") in ("twice", "?", None)
    assert frame.get("file") in (str(PROGRAM), "?", None)
    assert frame.get("line") in (LINE, None)
