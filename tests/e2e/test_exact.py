# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Every close of programs/exact.py, frame by frame: fdtrace says what faulthandler says in
that thread at that very call."""
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import harness
import schema
from harness import FAULTHANDLER_FRAMES, FRAMES_AT_LEAST, as_faulthandler
from test_sim import parameters

PROGRAM = Path(__file__).parent / "programs" / "exact.py"
LOG_BEGINS = -4242  # what preload.c closes first


@dataclass(frozen=True)
class Exact:
    mode: str
    python: harness.Python

    @property
    def id(self):
        return f"{self.mode}-{self.python.label}"

    def run(self):
        with harness.faultlog() as (env, fd, read):
            run = getattr(harness, self.mode)
            command = [self.python.path, str(PROGRAM)]
            result = run(command, ["--events"], env, pass_fds=[fd])
            return result, read()


CASES = [Exact(mode, python) for python in harness.pythons() for mode in ("started", "attached")]


def by_thread(closes, tid):
    threads = defaultdict(list)
    for close in closes:
        threads[tid(close)].append(close)
    return threads


def traced_closes(calls):
    """The calls of close from where the log begins on."""
    first = next(i for i, c in enumerate(calls) if c["call"] == "close" and c["fd"] == LOG_BEGINS)
    return [call for call in calls[first:] if call["call"] == "close"]


def frames_of(call):
    """As faulthandler would print them; a function's plain name."""
    return [
        (
            as_faulthandler(frame["file"]),
            frame.get("line"),
            as_faulthandler(frame["function"].rpartition(".")[2]),
        )
        for frame in call.get("python", [])
    ]


def outcome_of(call):
    return "0" if call["result"] == 0 else call["result"]


def difference(call, logged):
    """What is not the same; None: nothing."""
    if (call["fd"], outcome_of(call)) != (logged.fd, logged.result):
        return f"close({call['fd']}) = {call['result']}, not {logged}"
    if logged.frames is None:
        return None
    got, status = frames_of(call), call["python_status"]
    if len(logged.frames) == FAULTHANDLER_FRAMES:
        got = got[:FAULTHANDLER_FRAMES]
        if len(call["python"]) < FRAMES_AT_LEAST and status != "complete":
            return f"only {len(call['python'])} frames, {status}"
    elif status != ("complete" if logged.frames else "no_frames"):
        return f"stack is {status}, where faulthandler says {logged.frames}"
    return None if got == logged.frames else f"{got}\n    not {logged.frames}"


@parameters(CASES, harness.absent_versions())
def test_exact(case, outcome):
    result, log = outcome
    assert result.status == 0, result.stderr
    assert len(log) > 1500
    traced = by_thread(traced_closes(result.calls), lambda call: call["tid"])
    logged = by_thread(log, lambda entry: entry.tid)
    assert {t: len(c) for t, c in traced.items()} == {t: len(c) for t, c in logged.items()}
    wrong = [
        text
        for tid in logged
        for text in map(difference, traced[tid], logged[tid])
        if text
    ]
    assert not wrong, f"{len(wrong)} of {len(log)}:\n" + "\n".join(wrong[:10])
    schema.validate(result.calls)


def test_qualified_names(python):
    """From 3.11 on functions have their qualified names, before it their plain ones."""
    code = (
        "import os\n"
        "class A:\n"
        "  class B:\n"
        "    def m(self):\n"
        "      def inner(): os.close(-7)\n"
        "      inner()\n"
        "A.B().m()"
    )
    result = harness.started([python.path, "-c", code], ["--events"])
    call = next(c for c in result.calls if c["fd"] == -7)
    names = [frame["function"] for frame in call["python"]]
    assert names == [python.plain("A.B.m.<locals>.inner"), python.plain("A.B.m"), "<module>"]
