# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Packages whose objects wrap those that own descriptors: used rightly they are quiet, and what is taken
from them is told, with the thief and the class of the object that had it."""
import re
from pathlib import Path

import pytest

import harness
from packaged import Packaged, simulator_env

PROGRAM = Path(__file__).parent / "programs" / "wrapped.py"
PACKAGES = ("trio", "anyio", "aiofiles", "gevent", "eventlet", "uvloop", "pyzmq")


class Case(Packaged):
    def run_with(self, path):
        env = simulator_env(path)
        return harness.started([self.python.path, str(PROGRAM), self.package], ["--all"], env)


def cases():
    ours = [p for p in harness.pythons_once() if not p.launched and not p.kind]
    newest = max(ours, key=lambda p: p.version)
    return [pytest.param(case, id=case.id) for case in (
        Case(package, python)
        for python in dict.fromkeys([harness.system_python(), newest])
        for package in PACKAGES)]


def told(finding):
    bad = finding["sites"]["bad"]
    return (finding["kind"], finding["certainty"], finding["fd"], bad["python"][0]["function"],
            finding.get("owner_class", "").rpartition(".")[2])


@pytest.mark.parametrize("case", cases())
def test_wrapped(case, outcome):
    if isinstance(outcome, str):
        pytest.skip(outcome)
    assert outcome.status == 0, outcome.stderr
    stolen = re.findall(r"^(\d+) (\w+)$", outcome.stdout, re.M)
    assert bool(stolen) == (case.package not in ("uvloop", "pyzmq"))
    expected = [("owned_close", "fact", int(fd), "thief", name) for fd, name in stolen]
    assert [told(finding) for finding in outcome.findings] == expected
