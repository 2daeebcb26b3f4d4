# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A correct program ends under fdtrace as it does without, says the same, and is not accused; and so
does another of the same Python beside it that nobody traces.

The programs are those that a tracer harms who takes control within them: coroutines that wait inside
of a constructor, and programs whose file becomes another while they are traced.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import harness
from packaged import Packaged, simulator_env

PROGRAMS = Path(__file__).parent / "programs"
GREENLETS = ("greenlet", "gevent", "eventlet")
DOUBLE_CLOSE = """\
import os
fd = os.open("/dev/null", os.O_RDONLY)
os.close(fd)
try:
    os.close(fd)
except OSError:
    pass
"""


class Case(Packaged):
    """One correct program on one Python: traced from its start, and attached to."""

    def run_with(self, path):
        """[(how, status, output, findings)]."""
        env = simulator_env(path)
        command = [self.python.path, str(PROGRAMS / f"harm_{self.package}.py")]
        with harness.waiting(command, env, stderr=subprocess.STDOUT) as beside:
            runs = [self.traced("started", command, env), self.traced("attached", command, env)]
            output, _ = beside.communicate(b"x", timeout=harness.TIMEOUT)
        return [("beside", beside.returncode, output.decode(), []), *runs]

    def traced(self, mode, command, env):
        result = getattr(harness, mode)(command, ["--all"], env)
        return mode, result.status, result.stdout, [f["explanation"] for f in result.findings]


def newest(pythons):
    return max(pythons, key=lambda p: p.version)


# One of each version that a package's makers build for; eventlet, which is greenlet's too, on these
# and on the oldest and the newest.
TWO = list(dict.fromkeys([
    harness.system_python(),
    newest(p for p in harness.pythons_once() if not p.launched and not p.kind)]))
BY_AGE = sorted((p for p in harness.pythons() if p.libc and not p.kind), key=lambda p: p.version)
FOUR = (*TWO, BY_AGE[0], BY_AGE[-1])
CASES = [pytest.param(case, id=case.id) for case in (
    Case(package, python)
    for python in harness.pythons()
    if python.libc and not python.label.endswith("-debug")
    for package in GREENLETS
    if package != "eventlet" or python in FOUR)]


@pytest.mark.parametrize("case", CASES)
def test_greenlets(case, outcome):
    if isinstance(outcome, str):
        pytest.skip(outcome)
    assert [how for how, *_ in outcome] == ["beside", "started", "attached"]
    for how, status, output, findings in outcome:
        last = output.splitlines()[-1:]
        assert (how, status, last, findings) == (how, 0, ["ran to its end"], [])


# --- the packages' own tests ---------------------------------------------------------------

# Those that make descriptors, or switch within what does; each some seconds at most.
OWN_TESTS = {
    "greenlet": ("test_greenlet", "test_gc", "test_throw", "test_tracing", "test_weakref",
                 "test_generator_nested"),
    "gevent": ("test__fileobject", "test__socket_close", "test__select", "test__server",
               "test__pywsgi", "test__close_backend_fd", "test__socketpair", "test__destroy"),
}
COUNTS = re.compile(rb"^Ran (\d+) tests?|^(OK|FAILED.*)$", re.M)


class OwnTests(Packaged):
    """A package's own tests on one Python, with fdtrace and without."""

    def run_with(self, path):
        """[(name, (status, counts) without, the same with)]."""
        env = harness.clean_env(PYTHONPATH=os.pathsep.join(path),
                                GEVENTTEST_USE_RESOURCES="-network")
        with tempfile.TemporaryDirectory(prefix="fdtrace-own-") as folder:
            return [self.compared(name, env, folder) for name in OWN_TESTS[self.package]
                    if Path(path[0], self.package, "tests", name + ".py").exists()]

    def compared(self, name, env, folder):
        command = [self.python.path, "-m", "unittest", f"{self.package}.tests.{name}"]
        bare = subprocess.run(command, env=env, cwd=folder, capture_output=True,
                              timeout=harness.TIMEOUT)
        traced = harness.started(command, env=env, cwd=folder)
        return (name, (bare.returncode, COUNTS.findall(bare.stderr)),
                (traced.status, COUNTS.findall(traced.stderr.encode())))


OWN = [pytest.param(case, id=case.id) for case in (
    OwnTests(package, python) for python in TWO for package in OWN_TESTS)]


@pytest.mark.parametrize("case", OWN)
def test_own_tests(case, outcome):
    """As many pass, fail and skip as without fdtrace."""
    if isinstance(outcome, str):
        pytest.skip(outcome)
    assert outcome
    for name, bare, traced in outcome:
        assert (name, traced) == (name, bare)


# --- files that become others --------------------------------------------------------------


def shared_builds():
    """(Python, its libpython, its home), of Pythons built with a library of their own."""
    for python in harness.pythons():
        home = Path(python.path).parents[1]
        for library in glob.glob(f"{home}/lib/libpython{'%d.%d' % python.version}*.so.1.0"):
            if python.version >= (3, 8) and python.loads_ours:
                yield python, library, home


def stacks(result):
    """{functions and file of each failed close}."""
    return [[frame["function"] for frame in call["python"]] for call in result.calls
            if call["call"] == "close" and call["result"] == "EBADF"]


def test_library_overwritten(tmp_path):
    """A libpython is overwritten in place, as cp does it, between two programs that load it: the
    one that loads the new one runs as it would, and the frames are the new one's."""
    builds = list(shared_builds())
    if len({python.version for python, *_ in builds}) < 2:
        pytest.skip("two CPythons with libraries of their own are needed")
    (first, old, old_home), (_, new, new_home) = builds[-1], builds[-2]
    library = tmp_path / Path(old).name
    shutil.copyfile(old, library)
    script = tmp_path / "run"
    script.write_text(
        f"cat > {tmp_path}/close.py\n"
        f"run() {{ PYTHONHOME=$1 {first.path} {tmp_path}/close.py || exit 1; }}\n"
        f"run {old_home}; run {old_home}; sleep 0.5\n"
        f"cat {new} > {library}\n"
        f"run {new_home}; run {new_home}; echo ran to its end\n")
    env = harness.clean_env(LD_LIBRARY_PATH=str(tmp_path))
    with open(tmp_path / "in", "w+") as text:
        text.write(DOUBLE_CLOSE)
        text.seek(0)
        result = harness.started(["sh", str(script)], ["--events"], env, stdin=text)
    assert (result.status, result.stdout) == (0, "ran to its end\n"), result.stderr
    assert stacks(result) == 4 * [["<module>"]]
    assert result.count("double_close") == 4 and len(result.findings) == 4


def test_file_becomes_a_python(tmp_path):
    """What was another program's file, and may have its inode, is a Python's now."""
    python = harness.system_python()
    program = tmp_path / "program"
    script = tmp_path / "run"
    # A file that was never met before is known some hundredths of a second after the start.
    code = f"import time; time.sleep({0.3 * harness.SLOW})\n{DOUBLE_CLOSE}"
    script.write_text(
        f"cp /bin/true {program}; {program}; rm {program}\n"
        f"cp {os.path.realpath(python.path)} {program}; {program} -c '{code}' && echo ran to its end\n")
    result = harness.started(["sh", str(script)], ["--events"])
    assert (result.status, result.stdout) == (0, "ran to its end\n"), result.stderr
    assert stacks(result) == [["<module>"]]
    assert result.count("double_close") == 1 and len(result.findings) == 1
