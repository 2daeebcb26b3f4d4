# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A Python that is started without standard input, output or error is healthy: it asks for them."""
import pytest

import harness

pytestmark = pytest.mark.beside

CODE = "import sys; [getattr(s, 'fileno', int)() for s in (sys.stdin, sys.stdout, sys.stderr)]"


@pytest.mark.parametrize("interpreter", harness.pythons_once(), ids=lambda p: p.label)
@pytest.mark.parametrize("closed", ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"),
                         ids=("stdin", "stdout", "stderr", "all"))
def test_started_without(interpreter, closed):
    result = harness.started(["sh", "-c", f'exec "$0" -c "$1" {closed}', interpreter.path, CODE],
                             ["--all"])
    assert result.status == 0, result.stderr
    assert {f["severity"] for f in result.findings} <= {"info"}, result.findings
    assert {f["fd"] for f in result.findings if f["kind"] == "use_after_close"} <= {0, 1, 2}


def test_who_asks_is_told_what_for():
    """What had the number for a moment has nothing to do with it."""
    python = harness.system_python().path
    result = harness.started(["sh", "-c", 'exec "$0" -c pass <&-', python], ["--all"])
    found = [f for f in result.findings if f["kind"] == "use_after_close"]
    assert found
    for finding in found:
        assert " asked for standard input (fd 0) and got EBADF: it is closed" in finding["explanation"]
        assert "Nothing, if the program is meant to do without standard input" in finding["advice"]


def test_whoever_reads_believes_that_it_is_there():
    code = "import os; os.close(0); os.dup(os.open('/dev/null', 0)); os.close(0); os.read(0, 1)"
    python = harness.pythons()[0].path
    result = harness.started([python, "-c", f"try:\n  {code}\nexcept OSError: pass"], ["--all"])
    assert [(f["kind"], f["severity"]) for f in result.findings] == [("use_after_close", "error")]
