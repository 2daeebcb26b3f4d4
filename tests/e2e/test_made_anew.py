# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Code objects that follow each other at one address: no frame has the name, file or line of the
one before."""
from pathlib import Path

import pytest

import harness

pytestmark = pytest.mark.beside

PROGRAM = Path(__file__).parent / "programs" / "made_anew.py"
COUNT = 600


@pytest.mark.parametrize("interpreter", harness.pythons_once(), ids=lambda p: p.label)
@pytest.mark.parametrize("named", (False, True), ids=("command", "pid"))
def test_no_frame_of_the_one_before(interpreter, named):
    trace = harness.attached if named else harness.started
    result = trace([interpreter.path, str(PROGRAM), str(COUNT)], ["--events"],
                   harness.pausing(interpreter))
    expected = [line.split() for line in result.stdout.splitlines()]
    frames = [call["python"][0] for call in result.calls
              if call["call"] == "close" and call.get("python")]
    seen = [[frame["function"], frame["file"], str(frame["line"])] for frame in frames
            if frame["function"].startswith("run_")]
    # Where a launcher starts it, the first calls may come before the interpreter is known.
    late = len(expected) - len(seen) if interpreter.launched and not named else 0
    assert len(expected) == COUNT and late < COUNT and seen == expected[late:]
