# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Records that are lost: each loss is counted and said, and no fact is false for it."""
import os
import signal
import time

import pytest

import harness
from test_race import judged, race

LOSSY = harness.ROOT / "tests" / "e2e" / "programs" / "lossy.c"
RESYNC = 1.5  # seconds until what is open has surely been read anew


def lost(result):
    return sum(result.summary["lost"].values())


@pytest.mark.parametrize("every", [2, 7, 50])
def test_every_nth_record(every, python, tmp_path):
    result, log = race("c", python, tmp_path, 4, every, doubles=20, options=["--drop", str(every)])
    assert lost(result) > log.calls() / every / 2
    verdicts = judged(result, log)
    assert not verdicts.get(("fact", "false")), verdicts["fact", "false"][:3]


@pytest.mark.parametrize("every", [2, 7, 50])
def test_every_nth_record_of_a_correct_program(every, python, tmp_path):
    result, _ = race("c", python, tmp_path, 4, every, doubles=0, options=["--drop", str(every)])
    assert lost(result)
    assert not [f for f in result.findings if f["certainty"] == "fact"]


def test_said_in_words(python):
    run = harness.Run(["--drop", "3"], [python.path, "-c", "pass"], json_lines=False)
    assert "lost" in run.finish().stderr


def test_stopped_reader():
    """What is open is read anew after the loss: the finding that follows is a fact again."""
    with harness.waiting([harness.build(LOSSY)]) as process:
        run = harness.Run(["--all", "--ring-size", "4K", "-p", str(process.pid)]).attached()

        def go():
            os.write(process.stdin.fileno(), b"x")
            return process.stdout.readline().decode().strip()

        kept = int(go().partition("=")[2])
        run.process.send_signal(signal.SIGSTOP)
        assert go() == "burst=0"
        run.process.send_signal(signal.SIGCONT)
        time.sleep(RESYNC)
        process.stdin.close()
        process.wait(harness.TIMEOUT)
    result = run.finish()
    assert lost(result) > 1000
    [finding] = [f for f in result.findings if f["fd"] == kept]
    assert (finding["kind"], finding["certainty"]) == ("double_close", "fact"), finding
    assert set(finding["sites"]) == {"bad", "closed"}
    assert finding["what"]["path"] == "/etc/group" and finding["what"]["path_from"] == "proc"
    assert any("records were lost" in note.lower() for note in finding["notes"])
    assert not [f for f in result.findings if f["fd"] != kept]
