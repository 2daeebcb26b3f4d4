# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The corpus on one Python: every program does what it says of itself, and nothing wrong is told as
certain of any that is not known for it (tests/corpus/wrong_today). `make corpus` is the whole."""
import os
import sys

import harness
import pytest

CORPUS = harness.ROOT / "tests" / "corpus"
sys.path.insert(0, str(CORPUS))
import corpus  # noqa: E402
import run  # noqa: E402

KNOWN = run.known()
PARTS = 3


class Part:
    """Some of the programs: a case for the background."""

    def __init__(self, number):
        self.id = f"part{number}"
        self.python = harness.system_python()
        self.truths = [t for t in corpus.truths() if t.runs_on(self.python.version)][number::PARTS]

    def run(self):
        return run.run_all(self.python, self.truths, 1, len(self.truths))


@pytest.mark.parametrize("case", [pytest.param(part, id=part.id) for part in map(Part, range(PARTS))])
def test_programs(case, outcome):
    score = run.Score()
    for ran in outcome:
        score.add(ran)
    assert len(outcome) == len(case.truths)
    assert not score.failed, "\n".join(score.failed)
    wrong = [line for line in score.wrong if line.split(":")[0] not in KNOWN]
    assert not wrong, "\n".join(wrong)


def test_every_known_program_is_there():
    every = [*corpus.truths(), *corpus.truths(corpus.PACKAGES)]
    assert not KNOWN - {truth.id for truth in every}


def test_no_mark_is_missing():
    """A truth with a culprit says where; what it closed, and what it took, has its place, too."""
    for truth in [*corpus.truths(), *corpus.truths(corpus.PACKAGES)]:
        marks = truth.marks
        assert truth.kind == "none" or {"CULPRIT"} & {*marks, *truth.program.named}, truth.id
        assert all(name.upper() in corpus.ROLES for name in marks), truth.id
        assert truth.kind == "none" or truth.best, truth.id


def test_there_are_enough():
    """The size that was promised: programs, and those that are right."""
    truths = corpus.truths()
    assert len(truths) >= 120
    assert sum(truth.kind == "none" for truth in truths) >= 40
    assert os.path.exists(CORPUS / "README.md")
