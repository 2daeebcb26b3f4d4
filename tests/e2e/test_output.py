# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What is printed: text for people, on a terminal and elsewhere, and JSON for scripts."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata
from pathlib import Path

import pytest

import harness
import schema
from harness import FDTRACE, SIM, Run, clean_env

pytestmark = pytest.mark.beside

CLOSES = str(Path(__file__).parent / "programs" / "closes_forever.py")
ESCAPE = "\x1b"


def text_of(python, program, *options, env=None):
    command = [python.path, str(program)]
    return Run(options, command, env, json_lines=False).finish().stderr


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


# --- text ----------------------------------------------------------------------------------


def test_report(python):
    """The documentation's example: what happened, where, three times, and what to do."""
    program = SIM / "doc_example.py"
    text = text_of(python, program)
    lines = program.read_text().splitlines()
    for marker in ("opened", "closed", "call"):
        number = next(i for i, line in enumerate(lines, 1) if line.endswith(f"# <{marker}>"))
        assert re.search(rf"doc_example\.py\"?(:|, line ){number}\b", text), (marker, text)
    for word in ("double_close", "EBADF", "main", "closefd=False", str(program)):
        assert word in text or word.replace("_", " ") in text, (word, text)


def test_what_follows_is_a_line(python):
    """One bug: told once, with its number; its consequence is a line, and not with --all."""
    program = SIM / "doc_example.py"
    text = text_of(python, program)
    assert text.count("What to change:") == 1
    assert re.search(r"^#2 double_close of fd \d+ .*follows\s+from #1$", text, re.M | re.S), text
    assert "2 findings of 1 bug" in text
    number = next(i for i, line in enumerate(program.read_text().splitlines(), 1)
                  if line.endswith("# <closed>"))
    assert re.search(rf"#1 owned_close: closed at doc_example\.py:{number} in", text), text
    assert text_of(python, program, "--all").count("What to change:") == 2


LOADED = """
import os
for _ in range(1234):
    number = os.open("/dev/null", os.O_RDONLY)
    os.close(number)
    try:
        os.close(number)
    except OSError:
        pass
"""


def test_a_loop_is_a_page(python, tmp_path):
    """The same bug again and again: one finding, updates, and the count in the summary."""
    out = tmp_path / "j"
    subprocess.run([FDTRACE, "--json", "-o", str(out), "--", python.path, "-c", LOADED], check=True,
                   stderr=subprocess.DEVNULL)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    found = [line for line in lines if line["kind"] == "double_close"]
    updates = [line for line in lines if line["kind"] == "update"]
    assert len(found) == 1 and "caused_by" not in found[0]
    assert [line["count"] for line in updates] == [10, 100, 1000, 1234]
    assert {line["bug"] for line in updates} == {found[0]["bug"]}
    assert {line["id"] for line in updates} == {found[0]["id"]}
    (bug,) = lines[-1]["bugs"]
    assert (bug["bug"], bug["count"], bug["followed"]) == (found[0]["bug"], 1234, 0)
    assert lines[-1]["findings"]["double_close"] == 1234
    everything = harness.started([python.path, "-c", LOADED])
    assert everything.count("double_close") == len(everything.findings) == 1234


@pytest.mark.parametrize("name", ["double_close", "non_ascii", "recursion", "bad_fd", "kinds",
                                  "use_after_close", "socket_stolen", "closerange", "coroutine"])
def test_width(python, name, tmp_path):
    """No line of 100 columns or more, however long names and stacks are."""
    folder = tmp_path / "a very long name of a folder" / ("x" * 200)
    folder.mkdir(parents=True)
    if name == "kinds":
        command = [harness.build(SIM / "kinds.c")]
    else:
        program = folder / f"{name}.py"
        program.write_text((SIM / f"{name}.py").read_text())
        command = [python.path, str(program)]
    result = Run(["--all", "--frames", "300"], command, json_lines=False).finish()
    assert result.code == 0
    wide = [line for line in result.stderr.splitlines() if columns(line) >= 100]
    assert not wide


def test_quiet(python):
    text = text_of(python, SIM / "dup2_ok.py", "-q")
    assert text == ""
    text = text_of(python, SIM / "double_close.py", "-q")
    assert "double_close.py" in text and "tracing" not in text


def test_info_is_left_out(python):
    """Sweeps and bad numbers are told with --all only."""
    for name in ("daemonize_loop.py", "bad_fd.py"):
        plain, everything = (text_of(python, SIM / name, "-q", *o) for o in ([], ["--all"]))
        assert plain == "" and name in everything


def test_hostile_names(python):
    """What a program names itself never reaches the terminal raw."""
    code = (
        "import os\n"
        "name = '\\x1b[31mred\\n\\r\\x07\\x9b\\u202e'\n"
        "fd = os.open('/dev/null', 0)\n"
        "try:\n"
        "  d = os.memfd_create(name) if hasattr(os, 'memfd_create') else fd\n"
        "  os.close(d)\n"
        "  exec(compile('os.close(d)', name, 'exec'))\n"
        "except OSError: pass\n"
    )
    command = [python.path, "-c", code]
    result = Run(["-q", "--color=never"], command, json_lines=False).finish()
    assert "red" in result.stderr
    assert not set(result.stderr) & set("\x1b\r\x07\x9b\u202e")
    finding = harness.started(command).findings[0]
    assert finding["sites"]["bad"]["python"][0]["file"] == "\x1b[31mred\n\r\x07\x9b\u202e"


# --- colours and terminals -----------------------------------------------------------------


def on_terminal(arguments, env=None, width=80, typed=b"", at=b"ready", controlling=False,
                attached=None):
    """Everything that the command writes to a terminal of that width. typed: when it says that; attached():
    is called when fdtrace traces."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, width, 0, 0))
    session = ["setsid", "-c", "-w"] if controlling else []
    argv = [*session, FDTRACE, *arguments]
    process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave,
                               env=env or clean_env(TERM="xterm"))
    os.close(slave)
    data = b""
    try:
        while True:
            data += os.read(master, 65536)
            if typed and at in data:
                os.write(master, typed)
                typed = b""
            if attached and b"tracing" in data:
                attached()
                attached = None
    except OSError:  # the last one has closed it
        pass
    os.close(master)
    return process.wait(harness.TIMEOUT), data.decode()


@pytest.mark.parametrize("options, env, coloured", [
    ([], {}, False),
    (["--color=auto"], {}, False),
    (["--color=always"], {}, True),
    (["--color=always"], {"NO_COLOR": "1"}, True),
    (["--color=never"], {}, False),
])
def test_color_in_a_file(python, options, env, coloured):
    text = text_of(python, SIM / "double_close.py", *options, env=clean_env(**env))
    assert (ESCAPE in text) == coloured


@pytest.mark.parametrize("options, env, coloured", [
    ([], {}, True),
    ([], {"NO_COLOR": "1"}, False),
    (["--color=never"], {}, False),
])
def test_color_on_a_terminal(python, options, env, coloured):
    command = ["--", python.path, str(SIM / "double_close.py")]
    _, text = on_terminal([*options, *command], clean_env(TERM="xterm", **env))
    assert bool(re.search(ESCAPE + r"\[[\d;]*m", text)) == coloured


def screen(text):
    """What a terminal shows in the end: carriage returns and erasures carried out."""
    lines, column = [""], 0
    for token in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+|\x1b", text):
        if token == "\n":
            lines.append("")
            column = 0
        elif token == "\r":
            column = 0
        elif token.endswith("K") and token.startswith(ESCAPE):
            lines[-1] = "" if token[2:-1] == "2" else lines[-1][:column]
        elif not token.startswith(ESCAPE):
            lines[-1] = lines[-1][:column].ljust(column) + token + lines[-1][column + len(token):]
            column += len(token)
    return lines


STATUS = re.compile(r"\bdescriptors? open|records?/s")


@pytest.mark.parametrize("width", [50, 120])
def test_status_line(python, width):
    """It comes and goes without a trace, whatever is reported meanwhile."""
    turns = str(int(30 * harness.SLOW))
    with harness.waiting([python.path, CLOSES, turns, "0.1"]) as process:
        code, text = on_terminal(["-p", str(process.pid)], width=width,
                                 attached=process.stdin.close)
    assert code == 0
    assert STATUS.search(text) or width < 60
    assert re.search(r"fdtrace: \d+ findings?", text)
    shown = screen(text)
    assert not any(STATUS.search(line) for line in shown)
    assert any("double_close" in line or "double close" in line for line in shown)
    for piece in re.split(r"[\r\n]|\x1b\[\d*K", text):
        if STATUS.search(piece):
            assert re.match(r"fdtrace: ", re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", piece)), piece
            assert len(piece) <= width + 20


LARGE = """
import sys
data = [bytearray(b"x" * (1 << 20)) for _ in range(1000)]
print("ready", flush=True)
sys.stdin.read()
"""


def test_search_of_memory(python):
    """How far it is is shown while it goes on; what is left of it at the end is said."""
    with harness.waiting([python.path, "-c", LARGE]) as process:
        code, text = on_terminal(["-p", str(process.pid)], typed=b"\x03", at=b"searched",
                                 controlling=True)
    assert code == 0
    assert re.search(r"fdtrace: 0 findings, \d+ % of memory searched, 1 process, ", text)
    assert "the search for them was not over" in " ".join("".join(screen(text)).split())
    assert "memory searched" not in "".join(screen(text))


def test_no_status_line_in_a_file(python):
    with harness.waiting([python.path, CLOSES, "10", "0.1"]) as process:
        run = Run(["-p", str(process.pid)], json_lines=False).attached()
        process.communicate(b"x", timeout=harness.TIMEOUT)
        result = run.finish()
    assert "\r" not in result.stdout + result.stderr
    assert not STATUS.search(result.stderr)


COUNTS_INTERRUPTS = """
import signal, sys, time
count = 0
def handler(number, frame):
    global count
    count += 1
signal.signal(signal.SIGINT, handler)
print("ready", flush=True)
end = time.monotonic() + 20
while not count and time.monotonic() < end:
    time.sleep(0.05)
time.sleep(0.5)
print("interrupts:", count)
sys.exit(7)
"""


def test_ctrl_c_reaches_command_once(python):
    """The terminal's own Ctrl-C: COMMAND gets it from the terminal, not from us again."""
    arguments = ["--", python.path, "-c", COUNTS_INTERRUPTS]
    code, text = on_terminal(arguments, typed=b"\x03", controlling=True)
    assert "interrupts: 1" in text
    assert code == 7


# --- JSON ----------------------------------------------------------------------------------


def test_json_is_as_the_schema_says(python):
    """Findings of every kind, calls, the summary; each line is one object, UTF-8."""
    kinds = set()
    for name in ("double_close.py", "bad_fd.py", "use_after_close.py", "daemonize_loop.py",
                 "stdlib_ok.py", "non_ascii.py"):
        result = harness.started([python.path, str(SIM / name)], ["--all", "--events"])
        schema.validate(result.findings + [result.summary])
        schema.validate(result.calls, most=500)
        kinds |= {line["kind"] for line in result.lines}
    assert kinds >= {"double_close", "bad_fd", "use_after_close", "close_sweep", "call", "summary"}


CALLS = """
import fcntl, os, socket
fd = os.open("/dev/null", os.O_RDONLY)
os.dup2(fd, 50)
os.dup2(fd, 51, inheritable=False)
fcntl.fcntl(fd, fcntl.F_DUPFD, 60)
fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 70)
server = socket.socketpair()
os.pipe()
print(fd, *(s.fileno() for s in server))
"""


def test_calls(python):
    """Each call's numbers, flags and result."""
    result = harness.started([python.path, "-S", "-c", CALLS], ["--events"])
    fd, left, right = map(int, result.stdout.split())

    def has(name, **values):
        calls = [c for c in result.calls if c["call"] == harness.call_here(name)]
        assert any(all(c.get(key) == values[key] for key in values) for c in calls), calls

    has("openat", fd=fd, result=fd, path="/dev/null", flags=os.O_RDONLY | os.O_CLOEXEC)
    has("dup2", **{"from": fd, "fd": 50, "result": 50})
    has("dup3", **{"from": fd, "fd": 51, "result": 51})
    has("fcntl(F_DUPFD)", **{"from": fd, "fd": 60, "result": 60})
    has("fcntl(F_DUPFD_CLOEXEC)", **{"from": fd, "fd": 70, "result": 70})
    has("socketpair", fd=left, fd2=right, result=0)
    has("pipe2", fd=right + 1, fd2=right + 2, result=0)


def test_calls_c():
    result = harness.started([harness.build(SIM / "close_range.c")], ["--events"])
    call = next(c for c in result.calls if c["call"] == "close_range")
    assert (call["fd"], call["last_fd"], call["result"]) == (40, 49, 0)
    result = harness.started([harness.build(SIM / "accept.c")], ["--events"])
    server = next(c["fd"] for c in result.calls if c["call"] == "socket")
    assert {c["listener"] for c in result.calls if c["call"].startswith("accept")} == {server}


def test_schema_refuses_nonsense():
    with pytest.raises(AssertionError):
        schema.validate([{"schema": "fdtrace/1", "kind": "nonsense"}])


def test_json_on_standard_output(python):
    """With -p the lines are standard output's, and nothing else is."""
    with harness.waiting([python.path, str(SIM / "double_close.py")]) as process:
        run = Run(["--json", "-p", str(process.pid)], json_lines=False).attached()
        process.communicate(b"x", timeout=harness.TIMEOUT)
        result = run.finish()
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["kind"] for line in lines] == ["double_close", "summary"]


def test_fingerprint(python):
    """The same for the same bug in another process, on another line, with another number."""
    program = (SIM / "double_close.py").read_text()
    first, second = (
        harness.started([python.path, "-c", "\n" * lines + program]).findings[0]
        for lines in (0, 5)
    )
    other = harness.started([python.path, str(SIM / "fdopen_close.py")]).findings[0]
    assert re.fullmatch(r"v1:[0-9a-f]{16}", first["fingerprint"])
    assert first["fingerprint"] == second["fingerprint"] != other["fingerprint"]


def test_bytes_that_are_no_utf8(tmp_path):
    """A path in another encoding is shown, each odd byte as U+00XX."""
    name = os.fsencode(tmp_path) + b"/caf\xe9"
    open(name, "wb").close()
    python = harness.system_python().path
    code = "import os, sys; f = os.open(os.fsencode(sys.argv[1]), 0); os.close(f); os.close(f)"
    finding = harness.started([python, "-c", code, name]).findings[0]
    assert finding["what"]["path"].endswith("/caf\u00e9")
