# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Each simulator gives the findings that are written in it, and no others."""
import re

import pytest

import harness
import schema
from simulator import MODES, Case, Reference, check, same_stack, simulators

SKIPPED = 77
# Kinds of findings about calls that succeed, or are not logged.
UNFAILED = ("use_after_close", "owned_close", "misdirected_io")
PROGRAMS = simulators(".py")
PYTHON_CASES = [
    Case(simulator, mode, python)
    for python in harness.pythons_once()
    for simulator in PROGRAMS
    for mode in MODES
    if simulator.runs(mode, python.version)
]
C_CASES = [Case(sim, mode, None) for sim in simulators(".c") for mode in MODES if sim.runs(mode)]
# What remains where no object is asked: on one Python, since the verdicts are the same on all.
UNOWNED_CASES = [
    Case(simulator, "started", harness.system_python(), "off")
    for simulator in PROGRAMS
    if simulator.runs("started", harness.system_python().version)
    and any("ownership" in e or "culprit" in e for e in simulator.expectations)
]
REFERENCES = [
    Reference(simulator, python)
    for python in harness.pythons_once()
    for simulator in PROGRAMS
    if simulator.runs("started", python.version)
]


def parameters(cases, absent=()):
    skip = [
        pytest.param(None, id=f"{v[0]}.{v[1]}",
                     marks=pytest.mark.skip(f"CPython {v[0]}.{v[1]}: not on this machine"))
        for v in absent
    ]
    return pytest.mark.parametrize("case", [pytest.param(c, id=c.id) for c in cases] + skip)


def skip_if_told(result):
    """The program said that this machine cannot do what it is about."""
    reason = re.search(r"^skip: (.*)$", result.stdout, re.M)
    if reason and result.status == SKIPPED:
        pytest.skip(reason[1])


def ended(status):
    """An exit status as a shell has it."""
    return 128 - status if status < 0 else status


def verify(case, outcome):
    result, sight = outcome
    skip_if_told(result)
    wrong = check(sight, case.expected(sight), result.findings)
    assert not wrong, "\n".join(wrong)
    assert ended(result.status) == case.simulator.settings.get("exit", 0), result.stderr
    schema.validate(result.lines)


@parameters(C_CASES)
def test_c(case, outcome):
    verify(case, outcome)


@parameters(PYTHON_CASES, harness.absent_versions())
def test_python(case, outcome):
    verify(case, outcome)


@parameters(UNOWNED_CASES)
def test_unowned(case, outcome):
    verify(case, outcome)


@parameters(REFERENCES, harness.absent_versions())
def test_reference(case, outcome):
    """Without fdtrace: the simulator does what it says, by faulthandler's word."""
    result, sight, log = outcome
    skip_if_told(result)
    assert ended(result.status) == case.simulator.settings.get("exit", 0), result.stderr
    wants = case.simulator.expected("started", case.python.version)
    bad = [entry for entry in log[1:] if entry.result == "EBADF"]
    for want in wants:
        site = "failed" if want["kind"] == "reused_close" else "bad"
        if want["kind"] in UNFAILED or site not in want:
            continue
        met = [entry for entry in bad if is_bad_site(sight, want, want[site], entry)]
        count = want.get("count", 1)
        assert count == "maybe" or (met and count in (len(met), "any")), (want, bad)
        bad = [entry for entry in bad if entry not in met]
    assert not bad


def is_bad_site(sight, want, site, entry):
    def escaped(file, line, function):
        function = function.rpartition(".")[2]
        return harness.as_faulthandler(file), line, harness.as_faulthandler(function)

    number = sight.numbers.get(want.get("fd"))
    expected = [escaped(*frame) for frame in sight.frames(site)]
    own = [frame for frame in entry.frames or [] if sight.python.own(frame[0])]
    cut = len(entry.frames or []) == harness.FAULTHANDLER_FRAMES
    same = own == expected[: len(own)] if cut else same_stack(expected, own)
    return same and number in (None, entry.fd)
