# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A finding says which connection a socket was, as getsockname() and getpeername() of the program
itself say it, made before the attach or after; and which number the other end of a pair was."""
import json
import re
from pathlib import Path

import pytest

import harness

pytestmark = pytest.mark.beside

PROGRAM = Path(__file__).parent / "programs" / "socket_addresses.py"
KEYS = ("protocol", "local", "peer", "listening")


def command_of(python, when, folder):
    return [python.path, str(PROGRAM), when, str(folder)]


def truth(result):
    """By number: a name for it, and what is to be said of it."""
    assert result.status == 0, result.stderr
    line = next(line for line in result.stdout.splitlines() if line.startswith("{"))
    return {int(fd): named for fd, named in json.loads(line).items()}


def check(result):
    said = {f["fd"]: f["what"] for f in result.findings}
    for fd, (name, expected) in truth(result).items():
        assert said[fd]["type"] == "socket", name
        assert {k: said[fd][k] for k in KEYS if k in said[fd]} == expected, name


def words(what):
    """As a report for people has it."""
    def address(key):
        if key not in what:
            return "(unnamed)"
        return '"%s"' % what[key] if what["protocol"] == "unix" else what[key]

    if "listening" in what:
        return f"{what['protocol']} listening on {address('local')}"
    if "peer" in what or what["protocol"] == "unix":
        return f"{what['protocol']} {address('local')} -> {address('peer')}"
    if "local" in what:
        return f"{what['protocol']} bound to {address('local')}"
    return f"{what['protocol']} socket"


@pytest.mark.parametrize("when", ("before", "after"))
def test_attached(when, tmp_path):
    check(harness.attached(command_of(harness.system_python(), when, tmp_path)))


def test_started(tmp_path):
    check(harness.started(command_of(harness.system_python(), "after", tmp_path)))


def test_in_a_report(tmp_path):
    result = harness.started(command_of(harness.system_python(), "after", tmp_path),
                             json_lines=False)
    report = re.sub(r"\s+", " ", result.stderr)
    for fd, (name, expected) in truth(result).items():
        told = rf"fd {fd} was closed twice #\d+, {re.escape(words(expected))}, python3"
        assert re.search(told, report), name


def test_of_a_victim():
    """Who closes a number twice takes another's connection: which one."""
    code = """if 1:
        import os, socket
        server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(5)
        fd = os.open("/dev/null", 0)
        os.close(fd)
        stolen = socket.create_connection(server.getsockname())
        assert stolen.fileno() == fd
        print("=%s:%d" % stolen.getsockname(), "=%s:%d" % stolen.getpeername())
        os.close(fd)
        stolen.detach()
    """
    result = harness.started([harness.system_python().path, "-c", code])
    local, peer = re.findall(r"=(\S+)", result.stdout)
    whats = [f["victim"]["what"] for f in result.findings if "victim" in f]
    whats += [f["what"] for f in result.findings]
    assert (local, peer) in [(what.get("local"), what.get("peer")) for what in whats], whats


def test_of_a_victim_in_words():
    """The sentence says that it is a socket, and whose."""
    code = """if 1:
        import os, socket
        class Upload:
            def __init__(self):
                self.fd = os.open("/dev/null", 0)
            def close(self):
                os.close(self.fd)
        server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(5)
        upload = Upload()
        upload.close()
        stolen = socket.create_connection(server.getsockname())
        print("=%s:%d" % stolen.getsockname(), "=%s:%d" % stolen.getpeername())
        upload.close()
        stolen.detach()
    """
    result = harness.started([harness.system_python().path, "-c", code])
    local, peer = re.findall(r"=(\S+)", result.stdout)
    assert re.search(rf"this (probably )?closed the tcp socket {local} -> {peer} of the socket object that was opened",
                     result.findings[0]["explanation"])


def test_the_other_end():
    code = "import os; r, w = os.pipe(); os.close(r); print(r, w); os.close(r)"
    result = harness.started([harness.system_python().path, "-c", code])
    read, write = map(int, result.stdout.split())
    what, = [f["what"] for f in result.findings if f["fd"] == read]
    assert (what["type"], what["other_fd"]) == ("pipe", write)
