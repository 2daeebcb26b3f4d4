#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Real code must be quiet: CPython's own test modules under fdtrace.

Runs each module and looks at every finding: it is explained below, by the test that closes or
uses a bad descriptor on purpose, or it is a fault of ours, and this ends with 1. Prints the table
of docs/validation.md, and writes every finding with its explanation to build/validation.md. Needs
root, and Pythons with their tests (FDTRACE_PYTHONS adds more).

    validation.py [--python VERSION]… [--module NAME]…
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "e2e"))
import harness  # noqa: E402

PAGE = harness.ROOT / "build" / "validation.md"
KINDS = ["bad_fd", "use_after_close", "double_close", "owned_close"]
LIMIT = 300 * harness.SLOW
VERSIONS = [(3, 11), (3, 13)]
MODULES = """test_os test_io test_fileio test_socket test_subprocess test_selectors test_tempfile
    test_asyncio test_posix test_pty test_fcntl test_mmap test_shutil test_epoll test_poll
    test_select test_logging test_httplib""".split()
# Tests left out, with the reason.
LEFT_OUT = {"test_socket": ("*VSOCK*", "it waits for a virtual machine's host")}

CLOSED_ON_PURPOSE = "the test hands a closed number to each call, and wants EBADF"
PROBE = "the test's helper program asks fstat() of every number which ones are open"
# By module: the innermost function of the test's own files (a prefix of it) → why.
EXPLAINED = {
    "test_os": {
        "TestInvalidFD.": CLOSED_ON_PURPOSE,
        "FDInheritanceTests.test_get_set_inheritable_badf": CLOSED_ON_PURPOSE,
        "FileTests.test_closerange": "the test writes to what it has closed, and wants EBADF",
        "DeviceEncodingTests.test_bad_fd": "number 123456 was never open: the test wants None",
        "<module>": "a script run without standard streams",
    },
    "test_io": {
        "IOTest.test_opener_invalid_fd": "the opener returns a closed number on purpose",
        "MiscIOTest._check_warn_on_dealloc_fd": "its cleanup closes again what the test closed",
        "SignalsTest.check_interrupted_write": "the pipe is closed under the buffered writer, "
        "whose close() then fails with EBADF, as the test's comment says",
    },
    "test_fileio": {
        "AutoFileTests.": "ClosedFD closes the number under the FileIO, on purpose",
        "OtherFileTests.testInvalidFd": CLOSED_ON_PURPOSE,
    },
    "test_socket": {
        "": "the test uses or closes a socket that it has closed (number -1, or a closed one), "
        "and wants OSError",
    },
    "test_subprocess": {
        "<module>": PROBE,
        "ProcessTestCase._test_bufsize_equal_one": "the test closes Popen.stdin's number, so "
        "that nothing is flushed, and catches the EBADF",
        "POSIXProcessTestCase.": "a child without standard streams",
    },
    "test_selectors": {"BaseSelectorTestCase.test_unregister_after": "unregisters what it closed"},
    "test_tempfile": {
        "<module>": "the helper program wants to find the number not inherited",
        "TestSpooledTemporaryFile.test_del_rolled_file": "os.path.exists() of a closed number",
    },
    "test_asyncio": {"": "shuts a socket down that is closed (number -1); it catches OSError"},
    "test_posix": {
        "PosixTester.test_posix_fa": "number -42: the test wants EBADF",
        "<module>": "a script spawned with standard input closed asks for it",
    },
    "test_mmap": {"MmapTests.test_bad_file_desc": "number -2: the test wants OSError"},
    "test_epoll": {
        "TestEPoll.test_add": "number 10000: the test wants OSError",
        "TestEPoll.test_fromfd": "two objects share one number: the test closes one and wants "
        "EBADF of the other, whose finalizer closes again",
        "TestEPoll.test_unregister_closed": "unregisters what it closed",
    },
}
# Findings without a frame of the test's own, by the innermost frame or its absence.
ELSEWHERE = {
    "no_frames": "a child started without standard streams: at its start the interpreter asks "
    "whether they are open, and a number is a module's that it has just read",
    "BaseSelectorEventLoop._write_to_self": "a thread wakes an event loop that has been closed "
    "meanwhile (number -1); asyncio catches OSError",
    "TestCase._callTestMethod": "the finalizer of what the test left behind",
}


def is_tests_own(file):
    return "/test/" in file and "/test/support/" not in file and "/libregrtest/" not in file \
        and not file.endswith("/test/__main__.py")


def where(finding):
    """(function, is it of the test's files?) of a finding's bad call."""
    site = finding["sites"]["bad"]
    frames = site.get("python", [])
    own = [frame["function"] for frame in frames if is_tests_own(frame["file"])]
    if own:
        return next((f for f in own if "<locals>" not in f), own[0]), True
    if frames and frames[-1]["function"] == "<module>":
        return "<module>", True
    return (frames[0]["function"] if frames else site["python_status"]), False


def explain(module, function, own):
    if not own:
        return ELSEWHERE.get(function)
    known = EXPLAINED.get(module, {})
    return next((why for prefix, why in known.items() if function.startswith(prefix)), None)


def run(job):
    """One row: what a module gave."""
    python, module = job
    with tempfile.TemporaryDirectory(prefix="fdtrace-validation-") as folder:
        out = Path(folder, "out")
        command = [python.path, "-m", "test", "-u", "none", "--timeout", str(int(LIMIT))]
        if module in LEFT_OUT:
            command += ["-i", LEFT_OUT[module][0]]
        argv = [harness.FDTRACE, "--all", "--json", "-o", str(out), "--", *command, module]
        try:
            status = subprocess.run(argv, cwd=folder, env=harness.clean_env(),
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, timeout=LIMIT + 30).returncode
        except subprocess.TimeoutExpired:
            status = "time"
        with open(out) as lines:
            return python, module, status, *read(module, lines)


def read(module, lines):
    """(the summary, {(kind, certainty, function, why): how many})."""
    summary, found = None, collections.Counter()
    for line in lines:
        finding = json.loads(line)
        if finding["kind"] == "summary":
            summary = finding
            continue
        function, own = where(finding)
        found[finding["kind"], finding["certainty"], function,
              explain(module, function, own)] += finding["count"]
    return summary, found


def version_of(python):
    return ".".join(python.label.split("-")[0].split(".")[:3])


def rows(results):
    for python, module, status, summary, found in results:
        version = version_of(python)
        records = summary["records"] if summary else "?"
        passed = {0: "passed", "time": "out of time"}.get(status, f"status {status}")
        total = sum(found.values())
        yield f"| {version} | `{module}` | {passed} | {records} | {total} | |"
        for (kind, certainty, function, why), count in sorted(found.items(), key=str):
            yield (f"| | | | | {count} `{kind}`, {certainty} | `{function}`: "
                   f"{why or '**not explained**'} |")


def write_page(results):
    table = ["| Python | module | its result | records | findings | what they are |",
             "|---|---|---|--:|---|---|", *rows(results)]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(table) + "\n")


def summaries(results):
    """Of all modules of a Python, a row each: docs/validation.md has them."""
    kinds = KINDS + sorted({key[0] for result in results for key in result[4]} - set(KINDS))
    yield "| Python | modules, passed | records | findings | " + \
        " | ".join(f"`{kind}`" for kind in kinds) + " | not explained |"
    yield "|---|" + "--:|" * (len(kinds) + 4)
    for version in dict.fromkeys(version_of(result[0]) for result in results):
        own = [result for result in results if version_of(result[0]) == version]
        passed = sum(result[2] == 0 for result in own)
        records = sum(result[3]["records"] if result[3] else 0 for result in own)
        found = collections.Counter()
        for key, count in (item for result in own for item in result[4].items()):
            found[key[0]] += count
            found[None] += count if key[3] is None else 0
        counts = [sum(found[kind] for kind in kinds), *(found[kind] for kind in kinds), found[None]]
        yield f"| {version} | {len(own)}, {passed} | {records} | " + \
            " | ".join(map(str, counts)) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", help="3.11; all of 3.11 and 3.13 if not given")
    parser.add_argument("--module", action="append")
    options = parser.parse_args()
    wanted = [tuple(map(int, v.split("."))) for v in options.python or []] or VERSIONS
    pythons = [p for p in harness.pythons() if p.version in wanted and
               Path(p.stdlib, "test", "test_os.py").exists()]
    jobs = [(p, m) for p in pythons for m in options.module or MODULES]
    with ThreadPoolExecutor(max(1, os.cpu_count() // 2)) as farm:
        results = list(farm.map(run, jobs))
    write_page(results)
    print("\n".join(summaries(results)))
    unexplained = [r for r in results for key in r[4] if key[3] is None]
    for result in unexplained:
        print(f"not explained: {result[0].label} {result[1]}", file=sys.stderr)
    return 1 if unexplained or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
