# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Every Python of this machine and of the cache, in every way that they come: their names, several
interpreters, embedded, stripped, with perf trampolines, in a virtual environment; and those that
fdtrace can't walk, which it says."""
import glob
import os
import re
import subprocess
from pathlib import Path

import pytest

import harness
from harness import pythons as every_python

pytestmark = pytest.mark.beside

PROGRAMS = Path(__file__).parent / "programs"
LINKED = [p for p in every_python() if p.loads_ours and glob.glob(f"{Path(p.path).parents[1]}/lib/libpython3*.so.1.0")]


def by_label(pythons):
    return pytest.mark.parametrize("python", [pytest.param(p, id=p.label) for p in pythons])


def frames_at(result, fd):
    """(status, [(function, line)]) of the calls of close on a number that was never open."""
    calls = [c for c in result.calls if c["call"] == "close" and c["fd"] == fd]
    return [
        (c["python_status"], [(f["function"], f.get("line")) for f in c.get("python", [])])
        for c in calls
    ]


CODE = """\
import contextlib, os, threading
class A:
  class B:
    def m(self):
      def inner():
        with contextlib.suppress(OSError):
          os.close(-7)
      inner()
A.B().m()
thread = threading.Thread(target=A.B().m)
thread.start()
thread.join()
"""


def check_names(python, result):
    """Qualified names from 3.11 on, before them plain ones; lines; the thread's own stack."""
    assert result.status == 0, result.stderr
    main, thread = frames_at(result, -7)
    inner = [(python.plain("A.B.m.<locals>.inner"), 7), (python.plain("A.B.m"), 8)]
    assert main == ("complete", [*inner, ("<module>", 9)])
    assert thread[0] == "complete" and thread[1][:2] == inner
    assert thread[1][-1][0] == python.plain("Thread._bootstrap")


@by_label(every_python())
def test_names(python):
    check_names(python, harness.started([python.path, "-c", CODE], ["--events"]))


@by_label(p for p in every_python() if p.version >= (3, 12))
def test_perf_trampolines(python):
    command = [python.path, "-X", "perf", "-c", CODE]
    check_names(python, harness.started(command, ["--events"]))


@by_label(LINKED[:1] + LINKED[-1:])
def test_virtual_environment(python, tmp_path):
    subprocess.run([python.path, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    command = [str(tmp_path / "env" / "bin" / "python"), "-c", CODE]
    check_names(python, harness.started(command, ["--events"]))


def test_stripped(tmp_path):
    """Nothing but what the dynamic linker needs is left of it."""
    python = next((p for p in LINKED if p.version >= (3, 8)), None)
    if not python:
        pytest.skip("no CPython here is linked with a shared library of its own")
    library = glob.glob(f"{Path(python.path).parents[1]}/lib/libpython{'%d.%d' % python.version}*.so.1.0")[0]
    subprocess.run(["strip", "-s", "-o", tmp_path / Path(library).name, library], check=True)
    env = harness.clean_env(LD_LIBRARY_PATH=str(tmp_path))
    command = [python.path, "-c", "import os; os.system('grep -c %s /proc/%d/maps' % "
                                  f"({str(tmp_path)!r}, os.getpid()))\n" + CODE]
    result = harness.started(command, ["--events"], env)
    assert int(result.stdout) > 0
    main, _ = frames_at(result, -7)
    assert main[0] == "complete" and main[1][-1] == ("<module>", 10)


@by_label(LINKED)
def test_embedded(python, tmp_path):
    """In a program in C that loads the library when it runs, so that no name tells."""
    version = "%d.%d" % python.version
    library = glob.glob(f"{Path(python.path).parents[1]}/lib/libpython{version}*.so.1.0")[0]
    program = harness.build(PROGRAMS / "embed.c", compiler=python.compiler)
    env = harness.clean_env(PYTHONHOME=str(Path(python.path).parents[1]))
    check_names(python, harness.started([program, library, CODE], ["--events"], env))


SUBINTERPRETER = """\
import contextlib, os
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters
def outer(code):
    interpreters.run_string(made, code)
def close():
    with contextlib.suppress(OSError):
        os.close(-7)
made = interpreters.create()
close()
outer('''
import os
def inside():
    try:
        os.close(-7)
    except OSError:
        pass
inside()
''')
close()
"""


ROOTS = [p for p in every_python() if p.path.startswith(str(harness.fetched.CACHE)) and p.version >= (3, 13) and "debug" not in p.label]


@by_label(ROOTS)
def test_embedded_in_a_root(python):
    """The same of Debian's library. In 3.15 the thread's state is in a module's block then."""
    program = harness.build(PROGRAMS / "embed.c")
    library = "libpython%d.%d.so.1.0" % python.version
    env = harness.clean_env(IN_ROOT_RUN=program)
    check_names(python, harness.started([python.path, library, CODE], ["--events"], env))


@by_label(p for p in every_python() if p.version >= (3, 8))
def test_subinterpreter(python):
    """What runs is the inner interpreter's code, and before and after it the outer one's."""
    result = harness.started([python.path, "-c", SUBINTERPRETER], ["--events"])
    assert result.status == 0, result.stderr
    outside = [("close", 10), ("<module>", 12)]
    # 3.13 on compiles the code under a name and with a frame of its own.
    inside = [("inside", 5), ("<module>", 8)]
    seen = frames_at(result, -7)
    assert [frames for _, frames in seen] == [outside, inside, [("close", 10), ("<module>", 22)]]
    assert {status for status, _ in seen} == {"complete"}


def strangers():
    """(command, how it is named): Pythons that fdtrace can't walk."""
    found = [(p, "CPython 2.7") for p in glob.glob(os.path.expanduser("~/.pyenv/versions/2.7.*/bin/python2.7"))]
    found += [(str(p), "PyPy") for p in harness.fetched.cached("pypy")]
    return [pytest.param(*f, id=f[1]) for f in found]


@pytest.mark.parametrize("path, name", strangers())
def test_strangers(path, name):
    """One clear line, the runtime's name, and no Python frames."""
    code = "import os, sys\nfor i in (1, 2):\n try: os.close(-7)\n except OSError: pass\n"
    env = harness.clean_env(LC_ALL="C.UTF-8")
    result = harness.started([path, "-c", code], ["--events"], env)
    assert result.status == 0, result.stderr
    said = re.findall(r"^fdtrace: process \d+ runs (.*?), .*: its calls have no Python stacks$",
                      result.stderr, re.M)
    assert said == [name]
    assert {c["python_status"] for c in result.calls} == {"none"}
    assert {f["process"]["runtime"] for f in result.findings} == {name}
