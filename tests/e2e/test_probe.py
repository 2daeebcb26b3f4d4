# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Kinds of hook: what --check-kernel says is so, all tell the same, and none is believed untried."""
import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

import harness
from harness import FDTRACE, SIM, clean_env

HOOK_KINDS = ("fexit", "tp_btf", "tracepoint", "kprobe")
KPROBES = Path("/sys/kernel/debug/kprobes/enabled")
# Classic tracepoints need tracefs, which need not be mounted: here, for the command alone, it is.
WITH_TRACEFS = ["unshare", "--mount", "sh", "-c",
                'mount -t tracefs t /sys/kernel/tracing 2>/dev/null; exec "$@"', "sh"]


def run(*words, **popen):
    return subprocess.run([*WITH_TRACEFS, FDTRACE, *words], env=clean_env(), capture_output=True,
                          text=True, timeout=harness.TIMEOUT, **popen)


@lru_cache(maxsize=None)
def check_kernel():
    return run("--check-kernel")


def said(hook_kind):
    """The first lines that --check-kernel has for a kind of hook."""
    return re.findall(rf"^{hook_kind} +(.*)$", check_kernel().stdout, re.M)


def works(hook_kind):
    return any(line.startswith("works") for line in said(hook_kind))


def need(hook_kind):
    if not works(hook_kind):
        pytest.skip(f"this kernel: {hook_kind}: {'; '.join(said(hook_kind))}")


def test_probe():
    """Every kind of hook is there, with what others pay and what it cannot see; one is taken."""
    result = check_kernel()
    assert result.returncode == 0 and result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 80
    taken = 0
    for hook_kind in HOOK_KINDS:
        lines = said(hook_kind)
        assert lines and all(re.match(r"works: |works, taken: |no: ", line) for line in lines)
        taken += sum(line.startswith("works, taken") for line in lines)
    assert taken == 1
    text = " ".join(result.stdout.split())
    assert "others pay about" in text and "cannot see" in text


def test_probe_takes_no_process():
    assert run("--check-kernel", "-p", "1").returncode == 2
    assert run("--check-kernel", "--", "true").returncode == 2


def test_taken_hook_kind_is_used():
    """What --check-kernel says is taken is what the first line and the summary name. (How long a hook
    takes to be let go is measured: where it is near the limit, --check-kernel is asked anew.)"""
    for _ in range(4):
        probed = run("--check-kernel").stdout
        (name,) = re.findall(r"^\w+ +works, taken: (.*?)\n +others pay", probed, re.M | re.S)
        name = " ".join(name.split())
        result = run("--json", "-o", "/dev/stdout", "--", "true")
        (shown,) = re.findall(r'"hooks":"(.*?)"', result.stdout.replace(": ", ":"))
        assert f"through {shown};" in " ".join(result.stderr.split())
        if shown == name or "this kernel takes" not in probed:
            break
    assert shown == name


@pytest.mark.parametrize("hook_kind", HOOK_KINDS)
def test_forced(hook_kind):
    """A kind of hook that works is taken; for one that does not a line says so, and nothing runs."""
    result = run("--hooks", hook_kind, "--", "echo", "ran")
    if works(hook_kind):
        assert result.returncode == 0 and result.stdout == "ran\n", result.stderr
        return
    assert result.returncode in (1, 3, 4) and result.stdout == ""
    assert result.stderr.startswith("fdtrace: ") and result.stderr.count("\n") == 1
    if any("this kernel takes" in line for line in said(hook_kind)):
        assert "this kernel takes" in result.stderr and "Timer expired" not in result.stderr


def calls(hook_kind, program, folder):
    """The calls that a kind of hook reports of a program, without what differs between two runs."""
    out = folder / f"{hook_kind}.json"
    result = run("--hooks", hook_kind, "--events", "-o", str(out), "--", program)
    assert result.returncode == 0, result.stderr
    keys = ("call", "fd", "fd2", "result", "flags", "path", "arg")
    lines = [harness.json.loads(line) for line in out.read_text().splitlines()]
    found = [{k: line[k] for k in keys if k in line} for line in lines if line["kind"] == "call"]
    return [call for call in found if call["call"] != "pidfd_open"]  # of a pid, which differs


@pytest.mark.parametrize("source", ["kinds.c", "close_range.c", "double_close.c"])
@pytest.mark.parametrize("hook_kind", [hook_kind for hook_kind in HOOK_KINDS if hook_kind != "tp_btf"])
def test_hook_kinds_tell_the_same(hook_kind, source, tmp_path):
    need(hook_kind)
    need("tp_btf")
    program = harness.build(SIM / source)
    assert calls(hook_kind, program, tmp_path) == calls("tp_btf", program, tmp_path)


def test_a_hook_that_never_fires_is_not_believed():
    """Kprobes that are switched off can be attached all the same, but to 5.10."""
    if not KPROBES.exists():
        pytest.skip(f"no {KPROBES} here")
    need("kprobe")
    KPROBES.write_text("0")
    try:
        result = run("--hooks", "kprobe", "--", "true")
        told = run("--check-kernel", "--hooks", "kprobe")
    finally:
        KPROBES.write_text("1")
    if result.returncode == 0:
        # kprobe.multi rests on another mechanism, which that switch does not reach.
        assert "kretprobe.multi" in result.stderr
        assert "attached, but saw none" in " ".join(told.stdout.split())
        return
    refused = os.uname().release.startswith("5.10.")
    assert result.returncode == 1
    assert ("could not attach" if refused else "own calls") in result.stderr
    words = "no: cannot attach" if refused else "attached, but saw none"
    assert words in " ".join(told.stdout.split())
