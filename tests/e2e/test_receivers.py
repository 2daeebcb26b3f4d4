# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Whom the innermost frames of a call were called on: the addresses that fdtrace says are those that
programs/receivers.py, which knows, has noted as id()."""
import collections
from pathlib import Path

import pytest

import harness
import schema

pytestmark = pytest.mark.beside

PROGRAM = Path(__file__).parent / "programs" / "receivers.py"
TURNS = 12


def expected(stdout):
    """{number: (inner, outer, kind)}"""
    fields = (line.split(" ", 3) for line in stdout.splitlines() if line.startswith("1"))
    return {int(fd): (inner, outer, kind) for fd, inner, outer, kind in fields}


def is_right(receiver, noted):
    if noted == "*":
        return True
    if noted.startswith("?"):
        return receiver in (None, int(noted[1:]))
    return receiver == (None if noted == "-" else int(noted))


def receivers(call):
    """Of its two innermost frames."""
    found = [int(frame.get("receiver", "0"), 16) or None for frame in call["python"][:2]]
    return (*found, None, None)[:2]


@pytest.mark.parametrize("interpreter", harness.pythons(), ids=lambda p: p.label)
@pytest.mark.parametrize("trace", (harness.started, harness.attached), ids=lambda f: f.__name__)
def test_receivers_are_ids(interpreter, trace):
    result = trace([interpreter.path, str(PROGRAM), str(TURNS)], ["--events"],
                   harness.pausing(interpreter))
    noted = expected(result.stdout)
    calls = {call["fd"]: call for call in result.calls
             if call["call"] == "close" and call["fd"] in noted}
    seen = {fd for fd, call in calls.items() if call.get("python")}
    # Where a launcher starts it, the first calls may come before the interpreter is known.
    assert seen == set(noted) or interpreter.launched and trace is harness.started and seen
    wrong = collections.Counter()
    for fd in seen:
        inner, outer, kind = noted[fd]
        got = receivers(calls[fd])
        if not is_right(got[0], inner) or not is_right(got[1], outer):
            wrong[kind, got[0] is None, got[1] is None] += 1
    assert not wrong
    assert all("receiver" not in frame for call in result.calls
               for frame in call.get("python", [])[2:])
    schema.validate(result.calls)
