# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Runs the cases of all tests in the background, a few at a time.

A test with a parameter `case` (an object with an id and run()) finds its outcome in the
fixture `outcome`: cases start when the tests have been collected, in their order, as many at
once as there are processors; the tests themselves run one by one and wait for theirs.
"""
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness  # noqa: E402

FARM = ThreadPoolExecutor(max_workers=os.cpu_count())
FUTURES = {}


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


def case_of(item):
    return getattr(item, "callspec", None) and item.callspec.params.get("case")


def pytest_collection_modifyitems(items):
    """The cases first: the other tests then have the machine to themselves."""
    items.sort(key=lambda item: not case_of(item))


def pytest_collection_finish(session):
    if session.config.option.collectonly:
        return
    for item in session.items:
        case = case_of(item)
        if case and case not in FUTURES:
            FUTURES[case] = FARM.submit(case.run)


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
