# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Runs most tests in the background, a few at a time, and the others one by one after them.

A test with a parameter `case` (an object with an id and run()) finds its outcome in the
fixture `outcome`. A test that is marked `beside` runs there as a whole: it measures no time, does
not need to be the only one that traces, runs no program that it has itself written (another test's
child may have that open for writing still), and changes nothing of this process. Its arguments are its
parameters, `python` and `tmp_path`. `alone` is an exception of a module that is marked so.

The background starts when the tests have been collected, in their order. pytest itself goes from
one test to the next, and waits for what each has given.
"""
import inspect
import os
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness  # noqa: E402

# One third of a run's time fdtrace waits for the kernel, which needs no processor for that.
FARM = ThreadPoolExecutor(max_workers=os.cpu_count() * 3 // 2)
FUTURES = {}  # of cases, and of tests that run beside others


def heed_signals():
    """A background job of a shell without job control is started to ignore these, and what the
    tests start would inherit that."""
    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGQUIT: signal.SIG_DFL,
                signal.SIGHUP: signal.SIG_DFL}
    for number, default in defaults.items():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, default)


def pytest_sessionstart(session):
    heed_signals()
    if os.geteuid() != 0:
        pytest.exit("the end-to-end tests trace processes: run them as root", 1)
    if not os.access(harness.FDTRACE, os.X_OK):
        pytest.exit(f"{harness.FDTRACE} is not there: run make first", 1)
    harness.build_dir()


def case_of(item):
    return getattr(item, "callspec", None) and item.callspec.params.get("case")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Every test is one or the other. The cases come first; those that are alone have the machine to
    themselves, or share it with what makes no use of fdtrace."""
    for item in items:
        beside = hasattr(item, "callspec") and "case" in item.callspec.params
        if not beside and not item.get_closest_marker("beside"):
            item.add_marker("alone")
        elif not item.get_closest_marker("alone"):
            item.add_marker("beside")
    items.sort(key=lambda item: (not case_of(item), is_alone(item)))


def is_alone(item):
    return bool(item.get_closest_marker("alone"))


def pytest_collection_finish(session):
    if session.config.option.collectonly:
        return
    for item in session.items:
        case = case_of(item)
        if case and case not in FUTURES:
            FUTURES[case] = FARM.submit(case.run)
        elif not case and not is_alone(item) and not item.get_closest_marker("skip"):
            FUTURES[item] = FARM.submit(run_beside, item)


def run_beside(item):
    """Calls the test with what it takes; what it raises, a skip too, is for pytest_pyfunc_call()."""
    with tempfile.TemporaryDirectory(prefix="fdtrace-test-") as folder:
        known = {"python": harness.system_python(), "tmp_path": Path(folder)}
        if hasattr(item, "callspec"):
            known.update(item.callspec.params)
        item.obj(**{name: known[name] for name in inspect.signature(item.obj).parameters})


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if pyfuncitem not in FUTURES:
        return None
    FUTURES[pyfuncitem].result()
    return True


def pytest_sessionfinish(session):
    for future in FUTURES.values():
        future.cancel()
    FARM.shutdown()


@pytest.fixture
def outcome(case):
    """What case.run() returned, or raised."""
    return FUTURES[case].result()


@pytest.fixture(scope="session")
def python():
    return harness.system_python()
