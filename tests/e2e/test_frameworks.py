# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Servers as people run them, in their usual packages, are quiet: not one finding."""
import subprocess
from pathlib import Path

import pytest

import harness

PROGRAMS = Path(__file__).parent / "programs"


def has(python, module):
    code = f"import importlib.util; assert importlib.util.find_spec('{module}')"
    return not subprocess.run([python.path, "-c", code], stderr=subprocess.DEVNULL).returncode


@pytest.mark.parametrize("module", ["uvloop", "gevent", "gunicorn"])
def test_quiet(python, module):
    if not has(python, module):
        pytest.skip(f"{module} is not installed for {python.path}")
    program = PROGRAMS / f"{module}_app.py"
    result = harness.started([python.path, str(program)], ["--all"])
    assert result.status == 0, result.stderr
    assert not [f"{f['kind']}: {f['explanation']}" for f in result.findings]
    assert result.summary["records"] > 100
