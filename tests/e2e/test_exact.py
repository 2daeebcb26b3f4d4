# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Every close of programs/exact.py, frame by frame: fdtrace says what faulthandler says in
that thread at that very call, and from 3.9 on what the frame objects of the C API say: those have
qualified names, whole paths, and no limit of depth."""
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import harness
import schema
from harness import FAULTHANDLER_FRAMES, as_faulthandler, as_python_escapes
from test_sim import parameters

PROGRAM = Path(__file__).parent / "programs" / "exact.py"
LOG_BEGINS = -4242  # what preload.c closes first
FRAMES_MAX = 512  # a deeper stack is cut, and says so


@dataclass(frozen=True)
class Exact:
    mode: str
    python: harness.Python

    @property
    def id(self):
        return f"{self.mode}-{self.python.label}"

    def run(self):
        with harness.faultlog(self.python) as (env, fd, read):
            run = getattr(harness, self.mode)
            command = harness.logging(self.python, env, [self.python.path, str(PROGRAM)])
            result = run(command, ["--events"], env, pass_fds=[fd])
            return result, read()


CASES = [
    Exact(mode, python)
    for python in harness.pythons()
    for mode in ("started", "attached")
    if python.loads_ours
]


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


def expected_status(depth):
    return "cut" if depth > FRAMES_MAX else "complete" if depth else "no_frames"


def from_faulthandler(call, logged):
    """What is not as faulthandler says, as far as it goes; None: nothing."""
    got, want = frames_of(call), logged.frames
    if len(want) == FAULTHANDLER_FRAMES or logged.broken:
        got = got[: len(want)]
    elif call["python_status"] != expected_status(len(want)):
        return f"stack is {call['python_status']}, where faulthandler says {want}"
    return None if got == want else f"{got}\n    not {want}"


def from_objects(call, logged):
    """What is not as frame objects say."""
    got = [
        (as_python_escapes(f["file"]), f.get("line"), as_python_escapes(f["function"]))
        for f in call.get("python", [])
    ]
    want = logged.objects[:FRAMES_MAX]
    status = expected_status(len(logged.objects))
    if call["python_status"] != status:
        return f"stack is {call['python_status']}, not {status}: {want}"
    return None if got == want else f"{got}\n    not as objects: {want}"


def difference(call, logged):
    """What is not the same; None: nothing."""
    if (call["fd"], outcome_of(call)) != (logged.fd, logged.result):
        return f"close({call['fd']}) = {call['result']}, not {logged}"
    if logged.frames is None:
        return None
    wrong = from_faulthandler(call, logged)
    if not wrong and logged.objects is not None:
        wrong = from_objects(call, logged)
    return wrong


def without_lost(calls, logged):
    """Of one thread's log what was traced, where a kernel whose hooks can be preempted has skipped
    some, and fdtrace has said so."""
    kept, spare = [], len(logged) - len(calls)
    for entry in logged:
        call = calls[len(kept)] if len(kept) < len(calls) else None
        if spare and (call is None or difference(call, entry)):
            spare -= 1
        else:
            kept.append(entry)
    return kept


@parameters(CASES, harness.absent_versions())
def test_exact(case, outcome):
    result, log = outcome
    assert result.status == 0, result.stderr
    assert len(log) > 1500
    traced = by_thread(traced_closes(result.calls), lambda call: call["tid"])
    logged = by_thread(log, lambda entry: entry.tid)
    assert set(traced) <= set(logged)
    missing = len(log) - sum(map(len, traced.values()))
    assert missing <= sum(result.summary["lost"].values())
    if missing:
        logged = {t: without_lost(traced[t], logged[t]) for t in traced}
    assert {t: len(c) for t, c in traced.items()} == {t: len(c) for t, c in logged.items()}
    wrong = [
        text
        for tid in logged
        for text in map(difference, traced[tid], logged[tid])
        if text
    ]
    assert not wrong, f"{len(wrong)} of {len(log)}:\n" + "\n".join(wrong[:10])
    if case.python.version >= (3, 9):
        assert all(entry.objects is not None for entry in log if entry.frames is not None)
    schema.validate(result.calls)
