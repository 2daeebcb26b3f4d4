# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Where no socket and no epoll object shows as they are made, the summary says that their owners are
not known: as of a Python without optimisation, so of C code that makes them."""
from pathlib import Path

import pytest

import harness

PROGRAM = Path(__file__).parent / "programs" / "made_by_c.py"


@pytest.mark.parametrize("first", [False, True])
def test_summary_says_so(python, first):
    command = [python.path, str(PROGRAM), *(["first"] if first else [])]
    result = harness.started(command)
    assert result.status == 0, result.stderr
    told = [line for line in result.summary["unseen"] if "none showed" in line]
    named = [line.partition(":")[0] for line in told]
    kinds = [] if first else ["a socket", "an epoll instance"]
    assert sorted(named) == [f"which Python object owns {kind}" for kind in kinds]
