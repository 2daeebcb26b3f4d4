# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Processes that fill the memory that fdtrace reads with what no Python holds, and that name
themselves, their files and their code so as to fool whoever reads the report."""
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import harness
import schema
from harness import Run, build

PROGRAMS = Path(__file__).parent / "programs"
EVIL = "\x1b]0;x\x07\x1b[31m\r\nerror[double_close]: not ours"

FORGERIES = ["honest", "cycle", "ring", "giant", "names", "wide", "wild", "edge", "table", "lasti",
             "key", "state", "type", "unkeyed", "elsewhere", "compiled"]
CORRUPTIONS = ["honest", "names", "length", "negative", "state", "no_name", "table", "cycle",
               "wild"]


def raw_bytes(data):
    """What moves a cursor or starts a line of its own accord, if it comes from a process."""
    return re.findall(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", data)


def both_reports(command, options=(), **popen):
    """The findings as JSON, once their bytes have been looked at, and the text of another run."""
    text = Run(["--color=never", *options], command, json_lines=False, **popen)
    shown = text.finish()
    assert shown.code == 0, shown.stderr
    assert not raw_bytes(shown.stderr.encode("utf-8", "surrogateescape"))
    assert not re.search(r"^ {0,5}error.*: not ours", shown.stderr, re.M)

    run = Run(options, command, **popen)
    run.process.wait(harness.TIMEOUT)
    data = run.json.read_bytes()
    assert data.isascii() and not raw_bytes(data)
    result = run.finish()
    assert result.code == 0, result.stderr
    schema.validate(result.findings + [result.summary])
    return result, shown.stderr


@pytest.mark.beside
@pytest.mark.parametrize("mode", FORGERIES)
def test_forged_runtime(mode, tmp_path):
    """A program that only looks like CPython: frames, names and tables of its own making."""
    result, text = both_reports([build(PROGRAMS / "forged.c"), mode])
    finding = next(f for f in result.findings if f["kind"] == "double_close")
    bad = finding["sites"]["bad"]
    status = {"cycle": "cut", "ring": "cut", "wild": "fault", "edge": "fault",
              "type": "unsound", "unkeyed": "unfound", "elsewhere": "unfound"}
    assert status.get(mode, bad["python_status"]) == bad["python_status"]
    assert len(bad.get("python", [])) <= 512
    if mode == "honest":
        assert [f["line"] for f in bad["python"]] == list(range(10, 74))
    if mode == "compiled":
        compiled = [(f["line"], f.get("compiled_by")) for f in bad["python"][:4]]
        assert compiled == [(10, None), (77, "Nuitka"), (12, None), (13, None)]
        assert ", line 77, in f (compiled by Nuitka)\n" in text
    if mode == "type":
        assert [f["line"] for f in bad["python"]] == [10, 11]


@pytest.mark.beside
def test_forged_source_line(tmp_path):
    """The line that is shown of a file may hold anything."""
    path = tmp_path / "evil.py"
    line = EVIL.replace("\r\n", "\x0b") + "\x9b\n"
    path.write_text(80 * line, encoding="latin-1", newline="\n")
    _, text = both_reports([build(PROGRAMS / "forged.c"), "names", "1", str(path)])
    assert "\\x1b[31m" in text


@pytest.mark.beside
@pytest.mark.parametrize("mode", CORRUPTIONS)
@pytest.mark.parametrize("python", harness.pythons(), ids=lambda python: python.label)
def test_corrupted_python(python, mode):
    """A CPython that breaks its own memory while it closes."""
    result, _ = both_reports([python.path, str(PROGRAMS / "corrupt.py"), mode],
                             env=harness.pausing(python))
    assert result.stdout == "whole again\n"
    finding = next(f for f in result.findings if f["kind"] == "double_close")
    frames = finding["sites"]["bad"].get("python", [])
    assert 1 <= len(frames) <= 512
    if mode == "honest":
        assert [frame["function"] for frame in frames] == ["victim", "<module>"]


def test_hostile_surroundings(python, tmp_path):
    """The name of the process, of its program, and of the files that it opens."""
    folder = tmp_path / EVIL.replace("/", "")
    folder.mkdir()
    program = shutil.copy(build(PROGRAMS / "forged.c"), folder / "pro\x1b[2Jgram\n")
    path = folder / "fi\x7fle\r"
    path.write_text("")
    result, text = both_reports([str(program), "honest", "1", str(path)])
    finding = next(f for f in result.findings if f["kind"] == "double_close")
    assert finding["what"]["path"] == str(path)
    assert finding["process"]["exe"] == str(program)
    assert "\\x1b" in text


def status_of(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_files_are_read_without_privileges(python):
    """Executables of traced processes are parsed by a helper that can do nothing else."""
    with harness.waiting([python.path, str(harness.SIM / "double_close.py")]) as process:
        run = Run(["-p", str(process.pid)], json_lines=False).attached()
        keeper, = [pid for pid in children_of(run.process.pid)
                   if status_of(pid)["Name"] == "fdtrace"]
        worker, = children_of(keeper)
        for pid in (keeper, worker):
            status = status_of(pid)
            assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
            assert int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1"
            links = [Path(f"/proc/{pid}/fd/{fd}").readlink() for fd in os.listdir(f"/proc/{pid}/fd")]
            assert sorted(str(link).partition(":")[0] for link in links) == 3 * ["/dev/null"] + \
                ["socket"]
        assert status["Seccomp"] == "2"
        process.communicate(b"x", timeout=harness.TIMEOUT)
        assert run.finish().code == 0
    assert not Path(f"/proc/{keeper}").exists() and not Path(f"/proc/{worker}").exists()


def test_helper_is_replaced(python):
    """One that died while it had nothing to do is missed by nobody."""
    script = f"read x; {python.path} {harness.SIM}/double_close.py"
    run = Run([], ["/bin/sh", "-c", script], json_lines=False, stdin=subprocess.PIPE).attached()
    keeper, = [pid for pid in children_of(run.process.pid) if status_of(pid)["Name"] == "fdtrace"]
    worker, = children_of(keeper)
    os.kill(int(worker), signal.SIGKILL)
    harness.wait_until(lambda: children_of(keeper) not in ([], [worker]), "a new helper")
    run.process.stdin.write(b"\n")
    run.process.stdin.close()
    result = run.finish()
    assert result.code == 0
    assert "Store.close" in result.stderr and "helper" not in result.stderr


LOOP = """
import os, sys, time
def turns():
    start = time.thread_time_ns()
    for _ in range(3000):
        os.close(os.open("/dev/null", 0))
    return time.thread_time_ns() - start
turns()
print("ready", flush=True)
for line in sys.stdin:
    print(turns(), flush=True)
"""


def bystander_times(mode, rounds):
    """What a loop of another process costs it, while a hostile one is traced."""
    forged = build(PROGRAMS / "forged.c")
    run = Run([], [forged, mode, "200000"], json_lines=False).attached()
    times = []
    with subprocess.Popen([sys.executable, "-S", "-c", LOOP], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        for _ in range(rounds):
            other.stdin.write(b"\n")
            other.stdin.flush()
            times.append(int(other.stdout.readline()))
        other.stdin.close()
    run.process.terminate()
    # What is in the ring by then takes seconds of the processor, which others may have just now.
    assert run.finish(seconds=5 * harness.TIMEOUT).code in (0, 143)
    return times


def test_others_are_not_slowed():
    """Side by side in one run: CPU time of a bystander, beside an honest forgery and a cycle."""
    honest, cycle = [], []
    for _ in range(5):
        honest += bystander_times("honest", 3)
        cycle += bystander_times("cycle", 3)
    assert statistics.median(cycle) < 1.5 * statistics.median(honest)
