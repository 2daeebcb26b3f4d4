# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""An unprivileged user on a shared machine, and root's fdtrace: what docs/security.md promises."""
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))
import harness  # noqa: E402


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("an adversary of root's needs a root: run these tests as root", 1)
    # A background job of a shell without job control would hand on that it ignores this.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def python():
    return harness.system_python()
