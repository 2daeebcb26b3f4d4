# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What to change: for each row of user/report/advice_rows.h a program with the bug, the words that
the advice must have, and the same program with that advice followed, which is clean."""
import re

import pytest

import harness

HEAD = """
import ctypes, os, socket, threading
libc = ctypes.CDLL(None)
def quietly(function, *arguments):
    try:
        return function(*arguments)
    except OSError:
        pass
def in_thread(function, *arguments):
    thread = threading.Thread(target=quietly, args=(function, *arguments))
    thread.start()
    thread.join()
def null():
    return os.open("/dev/null", os.O_RDWR)
"""

# Another thread's file object has the number when it is closed again.
STOLEN = """
closed, opened, taken = (threading.Event() for _ in range(3))
def guilty():
    fd = null(); os.close(fd)
    closed.set(); opened.wait()
    {}
    taken.set()
def innocent():
    closed.wait()
    fp = open(os.__file__)
    opened.set(); taken.wait()
    quietly(fp.close)
thread = threading.Thread(target=innocent)
thread.start(); guilty(); thread.join()
"""

# The same with a bare number: what shows the theft is whose close fails.
RAW = ("fp = open(os.__file__)", "fp = type('Raw', (), {'close': lambda self, n=null(): os.close(n)})()")

TWO_SOCKETS = """
first = socket.socket()
second = socket.socket(fileno={})
first.close()
other = null()
second.close()
quietly(os.write, other, b"x")
"""

# A file object whose number was closed; somebody else's file has it when the object is used.
LATE = """
f = open("/dev/null", "wb", buffering=0)
{}
other = open("/dev/zero", "r+b", buffering=0)
{}
other.close()
os._exit(0)
"""
WRITE = "f.write(b'late')"

# The same with two socket objects of one number, of which one has closed it, as it may.
LATE_SOCKET = """
first, peer = socket.socketpair()
second = socket.socket(fileno={})
first.close()
mine = socket.socketpair()
second.send(b"late")
os._exit(0)
"""

# An object that keeps a bare number, and a function that closes what it is given.
KEEPER = """
class Keeper:
    def __init__(self):
        self.n = null()
    def close(self):
        os.close(self.n)
def thief(number):
    os.close(number)
k = Keeper()
"""

# The same object opens its number itself.
OPENER = KEEPER.replace("null()", "os.open('/dev/null', os.O_RDWR)")

KEPT = """
class Keeper:
    def __init__(self):
        self.n = os.open('/dev/null', os.O_RDWR)
    def write(self, data):
        if self.n is not None:
            os.write(self.n, data)
    def close(self):
        os.close(self.n)
        self.n = None
def thief(number):
    os.close(number)
def use(data, keeper):
    with open('/dev/zero', 'r+b', buffering=0) as mine:
        keeper.write(data)
k = Keeper()
"""

# How C code is named: ctypes calls it.
C_CODE = "_ctypes, from"

# name: (kind, words of the advice, the program, the same after the advice)
ROWS = {
    "os.close behind a file": (
        "owned_close", r"Drop the os\.close\(\) at .* and let the file object close it, or open it with closefd=False",
        "f = open('/dev/null'); os.close(f.fileno()); quietly(f.close)",
        "f = open('/dev/null'); f.close()"),
    "os.close behind a file with closefd": (
        "owned_close", "closefd=False",
        "n = null(); f = open(n); os.close(n); quietly(f.close)",
        "n = null(); f = open(n, closefd=False); os.close(n); f.close()"),
    "os.close behind a socket": (
        "owned_close", r"detach\(\)",
        "s = socket.socket(); os.close(s.fileno()); quietly(s.close)",
        "s = socket.socket(); os.close(s.detach()); s.close()"),
    "C code behind a file": (
        "owned_close", rf"Do not let {C_CODE} .* close the number that the file object closes, too: "
        r"give it a number of its own \(os\.dup\(\)\)",
        "f = open('/dev/null'); libc.close(f.fileno()); quietly(f.close)",
        "f = open('/dev/null'); libc.close(os.dup(f.fileno())); f.close()"),
    "C code behind a socket": (
        "owned_close", r"give it what detach\(\) takes out of the object",
        "s = socket.socket(); libc.close(s.fileno()); quietly(s.close)",
        "s = socket.socket(); libc.close(s.detach()); s.close()"),
    "close_range behind a file": (
        "owned_close", r"Drop the close at .* and let the file object close it",
        "f = open('/dev/null'); n = f.fileno(); libc.syscall(436, n, n, 0); quietly(f.close)",
        "f = open('/dev/null'); n = f.fileno(); f.close(); libc.syscall(436, n, n, 0)"),
    "close_range of many behind a file": (
        "double_close", r"out of the close_range at .*, which closed it with others: the file object closes it",
        "f = open('/dev/null'); n = f.fileno(); libc.syscall(436, n, n + 50, 0); quietly(f.close)",
        "f = open('/dev/null'); n = f.fileno(); f.close(); libc.syscall(436, n, n + 50, 0)"),
    "a function behind an object": (
        "double_close", r"Drop the close at .* and let the object close fd \d+ that does so at",
        KEEPER + "thief(k.n); quietly(k.close)",
        KEEPER + "k.close()"),
    "os.close after the object's own": (
        "double_close", r"Drop the os\.close\(\) at .*: the file object closes its number itself, and had done so",
        "f = open('/dev/null'); n = f.fileno(); f.close(); quietly(os.close, n)",
        "f = open('/dev/null'); n = f.fileno(); f.close()"),
    "C code after the object's own": (
        "double_close", rf"Do not let {C_CODE} .* close the number that the socket object has closed",
        "s = socket.socket(); n = s.fileno(); s.close(); libc.close(n)",
        "s = socket.socket(); n = s.detach(); s.close(); libc.close(n)"),
    "two objects": (
        "double_close", r"Let one object alone own fd .*detach\(\) one of them, or make it with a dup\(\)",
        "n = null(); a = open(n, 'rb', 0); b = open(n, 'rb', 0); a.close(); quietly(b.close)",
        "n = null(); a = open(n, 'rb', 0); b = open(os.dup(n), 'rb', 0); a.close(); b.close()"),
    "os.close after C code": (
        "double_close", rf"Drop the os\.close\(\) at .*, since {C_CODE} .* closes the number itself",
        "n = null(); libc.close(n); quietly(os.close, n)",
        "n = null(); libc.close(n)"),
    "C code after os.close": (
        "double_close", r"give that a number of its own \(os\.dup\(\)\)",
        "n = null(); os.close(n); libc.close(n)",
        "n = null(); m = os.dup(n); os.close(n); libc.close(m)"),
    "C code twice": (
        "double_close", rf"Give {C_CODE} .* a number of its own \(os\.dup\(\)\)",
        "n = null(); libc.close(n)\nlibc.close(n)",
        "n = null(); m = os.dup(n); libc.close(n)\nlibc.close(m)"),
    "os.close in two threads": (
        "double_close", "Let one thread own fd",
        "n = null(); os.close(n); in_thread(os.close, n)",
        "n = null(); in_thread(os.close, n)"),
    "os.close twice at one line": (
        "double_close", r"closes fd \d+ only once",
        "n = null()\nfor _ in range(2): quietly(os.close, n)",
        "n = null()\nfor _ in range(2):\n    if n is not None: os.close(n)\n    n = None"),
    "one object's method twice": (
        "double_close", r"only once, as by setting what holds the number to None: it ran twice for one object, "
        r"called at <string>:\d+ and at <string>:\d+",
        OPENER + "k.close()\nquietly(k.close)",
        OPENER.replace("os.close(self.n)", "self.n = self.n and os.close(self.n)") + "k.close()\nk.close()"),
    "one object's method takes another's": (
        "reused_close", r"only once, as by setting what holds the number to None: it ran twice for one object, "
        r"called at <string>:\d+ and at <string>:\d+",
        OPENER + "k.close()\nf = open('/dev/zero')\nk.close()\nquietly(f.close)",
        OPENER.replace("os.close(self.n)", "self.n = self.n and os.close(self.n)")
        + "k.close()\nf = open('/dev/zero')\nk.close()\nf.close()"),
    "os.close twice": (
        "double_close", r"in one place: drop the os\.close\(\) at",
        "def first(n): os.close(n)\ndef second(n): quietly(os.close, n)\nn = null(); first(n)\nsecond(n)",
        "def first(n): os.close(n)\nn = null(); first(n)"),
    "os.close after close_range": (
        "double_close", r"Leave fd \d+ out of the close_range",
        "n = null(); libc.syscall(436, n, n, 0); quietly(os.close, n)",
        "n = null(); libc.syscall(436, n, n, 0)"),
    "in the child, after the parent": (
        "double_close", "Do not close fd .* in the child",
        "n = null(); os.close(n)\nif not os.fork(): quietly(os.close, n); os._exit(0)\nos.wait()",
        "n = null(); os.close(n)\nif not os.fork(): os._exit(0)\nos.wait()"),
    "use after a close_range": (
        "use_after_close", r"out of the close_range .* or make the later call",
        "n = null(); libc.syscall(436, n, n, 0); quietly(os.write, n, b'x')",
        "n = null(); os.write(n, b'x'); libc.syscall(436, n, n, 0)"),
    "use after C code": (
        "use_after_close", rf"Do not let {C_CODE} .* close fd \d+ while it is used",
        "n = null(); libc.close(n); quietly(os.write, n, b'x')",
        "n = null(); m = os.dup(n); libc.close(m); os.write(n, b'x'); os.close(n)"),
    "use after another object's finalizer": (
        "use_after_close", r"Keep the object whose finalizer closed fd \d+ for as long as its number is used at",
        "n = null(); a = open(n, 'rb', 0); b = open(n, 'rb', 0); del b; quietly(a.read, 1); os._exit(0)",
        "n = null(); a = open(n, 'rb', 0); b = open(os.dup(n), 'rb', 0); del b; a.read(1)"),
    "use by another thread": (
        "use_after_close", "only after every thread that uses it has stopped",
        "n = null(); os.close(n); in_thread(os.write, n, b'x')",
        "n = null(); in_thread(os.write, n, b'x'); os.close(n)"),
    "use after the close": (
        "use_after_close", "only while it is open",
        "n = null(); os.close(n); quietly(os.write, n, b'x')",
        "n = null(); os.write(n, b'x'); os.close(n)"),
    "os.close of another's": (
        "reused_close", r"forget the number: drop the os\.close\(\) at .* or set the variable",
        STOLEN.format("os.close(fd)"), STOLEN.format("pass")),
    "C code closes another's": (
        "reused_close", rf"Drop the os\.close\(\) at .*, since {C_CODE} guilty\(\) at .* closes the number itself",
        STOLEN.format("libc.close(fd)").replace(*RAW), STOLEN.format("pass").replace(*RAW)),
    "two sockets": (
        "reused_close", r"Let one object alone own fd .*detach\(\) one of them",
        TWO_SOCKETS.format("first.fileno()"), TWO_SOCKETS.format("os.dup(first.fileno())")),
    "a file that os.close closed is used": (
        "misdirected_io", r"Drop the os\.close\(\) at .* and let the file object close it",
        LATE.format("os.close(f.fileno())", WRITE), LATE.format("", WRITE + "; f.close()")),
    "a file that C code closed is used": (
        "misdirected_io", rf"Do not let {C_CODE} .* close the number that the file object closes, too",
        LATE.format("libc.close(f.fileno())", WRITE),
        LATE.format("libc.close(os.dup(f.fileno()))", WRITE + "; f.close()")),
    "a number that an object keeps, closed behind it": (
        "misdirected_io", r"Let the object that opened fd \d+ close it: drop the close at .*, or have the object forget",
        KEPT + "thief(k.n); use(b'lost', k)",
        KEPT + "k.close(); use(b'lost', k)"),
    "a number that an object keeps": (
        "misdirected_io", r"forget the number: set the attribute that .* takes it from to None at",
        KEPT.replace("self.n = None", "pass") + "k.close(); use(b'lost', k)",
        KEPT + "k.close(); use(b'lost', k)"),
    "one of two sockets is used": (
        "misdirected_io", r"Let one object alone own fd .*detach\(\) one of them",
        LATE_SOCKET.format("first.fileno()"), LATE_SOCKET.format("os.dup(first.fileno())")),
}


def findings(code):
    """With C frames of a Python whose functions have names: these tell of every close whose it was."""
    python = next((p for p in harness.pythons()
                   if p.version == (3, 11) and not p.path.startswith("/usr/")), None)
    if not python:
        pytest.skip("needs a CPython 3.11 with symbols: not Debian's")
    return [f for f in harness.started([python.path, "-c", HEAD + code], ["--native=all"]).findings
            if f["severity"] != "info"]


@pytest.mark.parametrize("name", ROWS)
def test_row(name):
    kind, words, wrong, right = ROWS[name]
    found = [f for f in findings(wrong) if re.fullmatch(kind, f["kind"])]
    assert found and re.search(words, found[0]["advice"]), [(f["kind"], f["advice"]) for f in findings(wrong)]
    assert not re.search(r"\bif\b.*os\.close\(\)|if one owns", found[0]["advice"])
    assert findings(right) == []


def test_what_follows_says_where(tmp_path):
    """Of what a wrong close took: nothing is to change there."""
    root, *others = findings(
        "f = open('/dev/null'); os.close(f.fileno()); g = open('/dev/zero'); del f; quietly(g.read, 1)")
    assert root["kind"] == "owned_close" and others
    assert {f["caused_by"] for f in others} == {root["id"]}
    assert {f["bug"] for f in others} == {root["bug"]}
    assert any(f"finding #{root['id']} says" in f["advice"] for f in others)
    assert not any("garbage" in f["explanation"] for f in others)


def test_callers_of_one_line():
    """Two calls of one line are told apart by who made them."""
    code = "def f(n): quietly(os.close, n)\nn = null()\nf(n)\nf(n)"
    assert re.search(r"\(called at <string>:\d+ in <module>\).* closed it again there \(called at <string>:\d+ in",
                     findings(code)[0]["explanation"])


def test_summary_names_a_finalizer():
    """By the place where its object was opened: it has none of its own."""
    code = "a = open('/dev/null')\nos.close(a.fileno())\nb = null()\ndel a\nos._exit(0)"
    result = harness.started([harness.system_python().path, "-c", HEAD + code], json_lines=False)
    summary = " ".join(result.stderr.split()).split("Bugs, and")[1]
    line = HEAD.count("\n") + 1
    assert f"by the finalizer of the file object opened at <string>:{line} in <module>" in summary


@pytest.mark.parametrize("end, words", [
    ("del f", r"\(its last reference was dropped at <string>:\d+"),
    ("f.me = f; del f; import gc; gc.collect()", r"\(garbage collection\)"),
], ids=["last reference", "collector"])
def test_why_a_finalizer_ran(end, words):
    """Garbage collection is said of the collector alone."""
    code = f"class F(__import__('io').FileIO): pass\nf = F('/dev/null'); os.close(f.fileno()); {end}"
    found = [f for f in findings(code) if f["kind"] == "double_close"]
    assert re.search(words, found[0]["explanation"]), found[0]["explanation"]
