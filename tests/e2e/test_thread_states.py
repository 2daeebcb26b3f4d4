# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Thread states that run in another thread than made them, as servers with several interpreters have
them: each call has the frames of its own thread, or none and the reason."""
import glob
from dataclasses import dataclass
from pathlib import Path

import pytest

import harness

PROGRAM = Path(__file__).parent / "programs" / "states.c"

# A call of its own, then one that waits. There is an evaluation loop in each call of outer().
CODE = """\
import os
def inner():
  try:
    os.close(-7)
  except OSError:
    pass
def outer(calls):
  calls[0]()
  os.write(ready, b"x")
  os.read(go, 1)
def work():
  list(map(outer, [[inner]]))
work()
"""
FRAMES = [("inner", 5), ("outer", 9), ("work", 13), ("<module>", 14)]

# How each call is told, up to 3.9 and from 3.10 on: there an evaluation loop says where it runs.
OWN, UNSURE, MOVED = ("complete", FRAMES), ("ambiguous", FRAMES), ("moved", None)
EXPECTED = {
    "none": ([(-7, OWN), (-8, ("no_thread", []))],) * 2,
    "passed": ([(-7, UNSURE)], [(-7, OWN)]),
    "third": ([(-7, UNSURE)], [(-7, OWN)]),
    "keyed": ([(-7, UNSURE), (-8, MOVED)], [(-7, OWN), (-8, MOVED)]),
    "inner": ([(-7, OWN)],) * 2,
    "swapped": ([(-7, UNSURE)], [(-7, OWN)]),
}
# In one process each: once a state has moved there, the key is not believed any more.
TOGETHER = (("none", "passed", "third", "keyed"), ("inner", "swapped"))


def library(python):
    """A libpython that a program can load, to be found where Python is, or is installed."""
    name = "libpython%d.%d*.so.1.0" % python.version
    here = Path(python.path).parents[1]
    found = [path for folder in (here / "lib", *glob.glob(f"{here}/lib/*-linux-gnu"))
             for path in glob.glob(f"{folder}/{name}")]
    return found[0] if found else None


LOADED = [p for p in harness.pythons() if p.loads_ours and not p.launched and library(p)]
# Of Debian's others, those whose library is there, in a root of its own.
ROOTS = [p for p in harness.pythons() if p.launched and p.version >= (3, 13) and "debug" not in p.label]


def told(call):
    frames = call.get("python")
    return call["python_status"], frames and [(f["function"], f.get("line")) for f in frames]


@dataclass(frozen=True)
class Case:
    python: harness.Python
    hows: tuple

    @property
    def id(self):
        return f"{self.python.label}-{self.hows[0]}"

    def run(self):
        program = harness.build(PROGRAM, compiler=self.python.compiler)
        pause = str((0.3 if self.python.launched else 0.1) * harness.SLOW)
        if self.python.launched:
            env = harness.clean_env(IN_ROOT_RUN=program, FDTRACE_SIM_PAUSE=pause)
            command = [self.python.path, "libpython%d.%d.so.1.0" % self.python.version]
        else:
            home = str(Path(self.python.path).parents[1])
            env = harness.clean_env(PYTHONHOME=home, FDTRACE_SIM_PAUSE=pause)
            command = [program, library(self.python)]
        return harness.started([*command, CODE, *self.hows], ["--events"], env)


CASES = [Case(python, hows) for python in LOADED + ROOTS for hows in TOGETHER]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_states_of_other_threads(case, outcome):
    assert outcome.status == 0, outcome.stderr
    calls = [(c["fd"], told(c)) for c in outcome.calls if c.get("fd") in (-7, -8)]
    placed = case.python.version >= (3, 10)
    assert calls == [call for how in case.hows for call in EXPECTED[how][placed]]
