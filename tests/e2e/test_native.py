# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""--native: C stacks are what the programs are known to do, and what gdb says; merged with Python's."""
import contextlib
import os
import platform
import re
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

import harness
import schema
from harness import FDTRACE, SIM, Run, clean_env

PROGRAMS = Path(__file__).parent / "programs"
FLAGS = ["-O2", "-fomit-frame-pointer"]
CHAIN = ["close", "close_static"] + 4 * ["close_deep"] + ["outer"]
# Corpus of shapes of Python stacks; tests/sim says what each closes.
SHAPES = ["callbacks.py", "generator.py", "coroutine.py", "recursion.py", "del_method.py",
          "class_body.py", "double_close_threads.py", "asyncio_double_close.py"]
APART = "do not fit together"
# musl's own code does not say how to unwind it: a C stack is close() alone there.
def by_label(pythons):
    return pytest.mark.parametrize("interpreter", [pytest.param(p, id=p.label) for p in pythons])


# musl's own code does not say how to unwind it: a C stack is close() alone there.
unwound = by_label(p for p in harness.pythons() if p.libc)
on_musl = by_label(p for p in harness.pythons() if not p.libc)


def frames_program():
    return harness.build(PROGRAMS / "frames.c", *FLAGS)


def symbols(site):
    return [frame.get("symbol") for frame in site["native"]]


def called(site):
    """Without what close() itself calls, which has no name where the C library is stripped; and of
    a function in two pieces the function."""
    names = [name and name.removesuffix(".cold") for name in symbols(site)]
    inner = next(i for i, name in enumerate(names) if name)
    assert all(frame["module"].startswith("libc") for frame in site["native"][:inner])
    return names[inner:]


def only(findings, kind="double_close"):
    found = [f for f in findings if f["kind"] == kind]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.beside
@pytest.mark.parametrize("how, last", [("", "main"), ("exit", "main"), ("thread", "in_thread"),
                                       ("signal", "on_signal")])
@pytest.mark.parametrize("mode", ["started", "attached"])
def test_c_stacks_are_exact(how, last, mode):
    if mode == "attached" and how == "exit":
        pytest.skip("ends without waiting: attaching is tried with the others")
    command = [frames_program(), how]
    if mode == "started":
        sites = only(harness.started(command, ["--native=all"]).findings)["sites"]
    else:
        sites = attached_to_late(command)
    for site in (sites["bad"], sites["closed"]):
        assert symbols(site)[:len(CHAIN) + 1] == CHAIN + [last]
        assert site["native_status"] == "complete"
        modules = {frame["module"] for frame in site["native"][1:len(CHAIN)]}
        assert modules == {"frames"}
    if how == "signal":
        assert symbols(sites["bad"])[-1] == "_start" and "main" in symbols(sites["bad"])


@contextlib.contextmanager
def mounted(point, *what):
    point.mkdir()
    subprocess.run(["mount", *what, point], check=True)
    try:
        yield point
    finally:
        subprocess.run(["umount", point], check=True)


@contextlib.contextmanager
def part_mounted(point):
    """A directory of a file system of which all else is out of sight."""
    with contextlib.ExitStack() as stack:
        with mounted(point.with_name("whole"), "-t", "tmpfs", "tmpfs") as whole:
            (whole / "a part").mkdir()
            stack.enter_context(mounted(point, "--bind", whole / "a part"))
        yield point


@pytest.mark.parametrize("mount", [lambda point: mounted(point, "-t", "tmpfs", "tmpfs"),
                                   part_mounted], ids=["whole", "part"])
def test_c_stacks_of_a_program_that_is_gone(mount, tmp_path):
    """Its file is found by name, wherever that file system is mounted: fdtrace stands still while
    the program runs."""
    with mount(tmp_path / "mounted here") as folder:
        program = shutil.copy(frames_program(), folder)
        sites = attached_to_late([program, ""], late=True)
        for site in (sites["bad"], sites["closed"]):
            assert symbols(site)[:len(CHAIN) + 1] == CHAIN + ["main"]


def attached_to_late(command, late=False):
    """The program runs below a shell that waits, so that what is attached to has to exec it.
    late: fdtrace stands still until the program has ended."""
    script = 'echo ready; read x; exec "$0" "$@"'
    process = subprocess.Popen(["/bin/sh", "-c", script, *command], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=clean_env())
    assert process.stdout.readline() == b"ready\n"
    run = Run(["--native=all", "-p", str(process.pid)]).attached()
    if late:
        run.process.send_signal(signal.SIGSTOP)
    process.communicate(b"x\n", timeout=harness.TIMEOUT)
    run.process.send_signal(signal.SIGCONT)
    return only(run.finish().findings)["sites"]


def test_only_failed_calls_by_default():
    sites = only(harness.started([frames_program()], ["--native"]).findings)["sites"]
    assert symbols(sites["bad"])[0] == "close"
    assert "native" not in sites["closed"] and "native_status" not in sites["closed"]
    plain = only(harness.started([frames_program()]).findings)["sites"]
    assert "native" not in plain["bad"] and "native_status" not in plain["bad"]


def gdb(command, *steps):
    """(address, function) of each frame, innermost first, where gdb's steps lead."""
    if not shutil.which("gdb"):
        pytest.skip("gdb is not installed")
    script = ["set pagination off", "set confirm off", "set backtrace past-main on",
              "set debuginfod enabled off", *steps, "bt"]
    argv = ["gdb", "-q", "-batch", "-nx"]
    for line in script:
        argv += ["-ex", line]
    done = subprocess.run([*argv, "--args", *command], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=clean_env(), timeout=harness.TIMEOUT)
    frames = re.findall(r"^#\d+ +(?:(0x[0-9a-f]+) in )?(\S+)", done.stdout, re.M)
    assert frames, done.stdout + done.stderr
    return frames


def test_gdb_agrees_about_c():
    """At the second close of the program."""
    command = [frames_program()]
    frames = gdb(command, "break outer", "ignore 1 1", "run", "catch syscall close", "continue")
    names = [name for _, name in frames]
    sites = only(harness.started(command, ["--native"]).findings)["sites"]
    ours = symbols(sites["bad"])
    assert ours[1:ours.index("main") + 1] == names[1:names.index("main") + 1]


def test_gdb_agrees_about_python(tmp_path, python):
    """A static, stripped build, which lies where its file says: every address is the same."""
    header = Path(python.path).resolve().read_bytes()[:18]
    if struct.unpack_from("<H", header, 16)[0] != 2:
        pytest.skip(f"{python.path} is position-independent: gdb's addresses are not the file's")
    program = tmp_path / "close.py"
    program.write_text("import os\n"
                       "def inner(x):\n"
                       "    try: os.close(7777)\n"
                       "    except OSError: return x\n"
                       "sorted([1], key=inner)\n")
    command = [str(Path(python.path).resolve()), str(program)]
    argument = "$rdi" if platform.machine() == "x86_64" else "$x0"
    frames = gdb(command, "catch syscall close", f"condition 1 {argument} == 7777", "run")
    result = harness.started(command, ["--native", "--all"])
    native = only(result.findings, "bad_fd")["sites"]["bad"]["native"]
    module = Path(command[0]).name
    ours = [int(f["offset"], 16) for f in native if f["module"] == module]
    theirs = [int(address, 16) for address, _ in frames if address and int(address, 16) < 1 << 32]
    assert len(ours) > 8 and ours == theirs


@pytest.mark.beside
@unwound
def test_stacks_merge(interpreter):
    """Every stack of these fits Python's; none needs the printing side by side. The ring has room
    for all that a start takes: a reader that others hold up would leave some untaken."""
    options = ["--native=all", "--all", "-q", "--ring-size", "64M"]
    for shape in SHAPES:
        run = Run(options, [interpreter.path, str(SIM / shape)], harness.pausing(interpreter),
                  json_lines=False)
        text = run.finish().stderr
        assert "closed" in text, shape
        assert re.search(r" C: close \(lib(c\.so\.6|pthread-2\.31\.so)\)", text), f"{shape}:\n{text}"
        assert APART not in text, f"{shape}:\n{text}"
        remarks = set(re.findall(r"C stack: (.{20})", text))
        # Up to 3.10 each Python frame takes C stack, and so much is not copied; nor are the wide C
        # frames of a build that does not optimise.
        deep = shape == "recursion.py" or interpreter.label.endswith("-O0")
        assert remarks <= ({"breaks off, what was"} if deep else set()), text


@pytest.mark.beside
@unwound
def test_python_stays_itself(interpreter):
    """Python's frames are the same with --native and without."""
    command = [interpreter.path, str(SIM / "callbacks.py")]
    stacks = []
    for options in ([], ["--native=all"]):
        env = harness.pausing(interpreter)
        findings = harness.started(command, ["--all", *options], env).findings
        stacks.append([f["sites"]["bad"]["python"] for f in findings])
    assert stacks[0] == stacks[1] and stacks[0]


@pytest.mark.beside
@unwound
def test_who_closed(interpreter):
    command = [interpreter.path, str(PROGRAMS / "origins.py")]
    result = harness.started(command, ["--native", "--events"], harness.pausing(interpreter))
    findings = result.findings
    schema.validate(findings + result.calls)
    by_function = {f["sites"]["bad"]["python"][0]["function"]: f["sites"]["bad"]
                   for f in findings if f["kind"] == "double_close"}
    assert set(by_function) == {"by_call", "by_last_reference", "by_socket", "by_collector"}
    for function, site in by_function.items():
        named = called(site)[:called(site).index("_PyEval_EvalFrameDefault")]
        assert named[0] == "close"
        expected = "os.close" if function == "by_call" else "finalizer"
        if None in named:  # stripped: as far as exported names tell, and never the other
            assert site.get("origin", expected) == expected
        else:
            assert site["origin"] == expected, (function, named)
    if None not in called(by_function["by_call"]):
        assert called(by_function["by_call"])[1] in ("os_close", "os_close_impl")
        assert "sock_finalize" in symbols(by_function["by_socket"])
        assert "iobase_finalize" in symbols(by_function["by_last_reference"])


@pytest.mark.beside
@unwound
def test_gone_at_once(interpreter):
    findings = harness.started([interpreter.path, str(SIM / "exits_at_once.py")],
                               ["--native"], harness.pausing(interpreter)).findings
    bad = only(findings)["sites"]["bad"]
    assert bad["native_status"] == "complete"
    assert called(bad)[0] == "close" and "_PyEval_EvalFrameDefault" in called(bad)
    assert bad["python_status"] == "complete"


@pytest.mark.beside
@on_musl
def test_musl(interpreter):
    """The Python stack is whole, and why the other is not is said."""
    code = "import os, time\ntry: os.close(-7)\nexcept OSError: time.sleep(1)"
    command = [interpreter.path, "-c", code]
    bad = only(harness.started(command, ["--native", "--all"]).findings, "bad_fd")["sites"]["bad"]
    assert bad["python_status"] == "complete" and len(bad["python"]) == 1
    assert bad["native_status"] == "no_unwind_info" and len(bad["native"]) == 1


# --- recordings ----------------------------------------------------------------------------


def records(path):
    """(type, bytes) of each record (docs/recording.md)."""
    for raw in harness.blocks(path):
        while raw:
            size, kind = struct.unpack_from("<IH", raw)
            yield kind, raw[:size]
            raw = raw[(size + 7) & ~7:]


NATIVE, NATIVE_STACK = 16, 80


@pytest.mark.beside
@pytest.mark.parametrize("options", [["--json", "--events"], ["-q"]], ids=" ".join)
def test_replay_is_the_same(tmp_path, python, options):
    live, recording = tmp_path / "live", tmp_path / "recording"
    command = [python.path, str(SIM / "callbacks.py")]
    subprocess.run([FDTRACE, "--native=all", *options, "-o", live, "--record", recording, "--",
                    *command], capture_output=True, env=clean_env(), check=True,
                   stdin=subprocess.DEVNULL, timeout=harness.TIMEOUT)
    again = subprocess.run([FDTRACE, "replay", *options, recording], capture_output=True,
                           env=clean_env(), check=True, timeout=harness.TIMEOUT)
    assert again.stdout == live.read_bytes()
    assert b"libc.so.6" in again.stdout


@pytest.mark.beside
def test_no_stack_is_recorded(tmp_path):
    recording = tmp_path / "recording"
    subprocess.run([FDTRACE, "--native=all", "-q", "--record", recording, "--", frames_program()],
                   capture_output=True, env=clean_env(), check=True, timeout=harness.TIMEOUT)
    natives = [body for kind, body in records(recording) if kind == NATIVE]
    assert natives
    for body in natives:
        assert len(body) == 328 and not any(body[64:])


# --- limits --------------------------------------------------------------------------------


@pytest.mark.parametrize("flag, most", [("-O1", 4), ("-O0", 64 * harness.SLOW * 10)])
def test_a_sweep_is_taken_once(tmp_path, flag, most):
    """Counters do not make stacks differ; where two of them look like an address, a limit holds."""
    source = tmp_path / "sweep.c"
    source.write_text("#include <unistd.h>\n"
                      "int main(void) { for (int i = 100; i < 20000; i++) close(i); return 0; }\n")
    program, recording = tmp_path / "sweep", tmp_path / "recording"
    subprocess.run(["cc", flag, "-o", program, source], check=True)
    subprocess.run([FDTRACE, "--native", "-q", "--record", recording, "--", program],
                   capture_output=True, env=clean_env(), check=True, timeout=harness.TIMEOUT)
    closes = [body for kind, body in records(recording) if kind == 1]
    stacks = [body for kind, body in records(recording) if kind == NATIVE_STACK]
    assert len(closes) > 19000 and 1 <= len(stacks) <= most


def spoil(path, section):
    """Fills a section of an ELF file with what makes no sense."""
    listing = subprocess.check_output(["readelf", "-SW", path], text=True)
    found = re.search(rf"\] {re.escape(section)} +\S+ +\S+ (\S+) (\S+)", listing)
    offset, size = (int(number, 16) for number in found.groups())
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(bytes((i * 37 + 255) & 255 for i in range(size)))


@pytest.mark.parametrize("section", [".eh_frame", ".eh_frame_hdr", ".symtab"])
def test_files_that_make_no_sense(tmp_path, section):
    """Nothing is made up, and the session goes on."""
    broken = tmp_path / "frames"
    shutil.copy(frames_program(), broken)
    spoil(broken, section)
    result = harness.started([str(broken)], ["--native"])
    bad = only(result.findings)["sites"]["bad"]
    assert result.code == 0
    names = [name for name in symbols(bad) if name] if "native" in bad else []
    assert set(names) <= set(CHAIN) | {"main", "_start", "__libc_start_main",
                                       "__libc_start_call_main"}
    if bad["native_status"] != "complete":
        assert any(note.startswith("sites.bad.native: ") for note in
                   only(result.findings)["notes"])


def helper_of(run):
    """The process that unwinds for this fdtrace."""

    def look():
        pid = run.process.pid
        pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(n) for n in pids
                if Path(f"/proc/{n}/cmdline").read_bytes() == b"fdtrace-unwind\0"]

    helper, = harness.wait_until(look, "the helper is there")
    return helper


def confined(helper):
    """What the kernel says of it, once it is confined."""

    def look():
        text = Path(f"/proc/{helper}/status").read_text()
        status = dict(re.findall(r"^(\w+):\t(.*)$", text, re.M))
        return status if status["Seccomp"] == "2" else None

    return harness.wait_until(look, "the helper is confined")


def test_files_are_parsed_without_privileges():
    with harness.waiting([harness.system_python().path, str(SIM / "double_close.py")]) as process:
        run = Run(["--native", "-p", str(process.pid)]).attached()
        helper = helper_of(run)
        status = confined(helper)
        assert status["Uid"].split() == ["65534"] * 4
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert os.readlink(f"/proc/{helper}/root") != "/"
        assert Path(f"/proc/{helper}/environ").read_bytes() == b""
        process.communicate(b"x", timeout=harness.TIMEOUT)
        run.finish(process.returncode)
    harness.wait_until(lambda: not Path(f"/proc/{helper}").exists(), "the helper ends with us")


def test_the_helper_may_die():
    """What it was asked is said not to be found; a new one goes on."""
    with harness.waiting([harness.system_python().path, str(SIM / "double_close.py")]) as process:
        run = Run(["--native", "-p", str(process.pid)]).attached()
        helper = helper_of(run)
        os.kill(helper, 9)
        time.sleep(0.2)
        process.communicate(b"x", timeout=harness.TIMEOUT)
        result = run.finish(process.returncode)
    site = only(result.findings)["sites"]["bad"]
    assert site["native_status"] in ("complete", "failed")
    assert result.code == 0


def test_the_helper_may_hang():
    """As if a file kept it busy for ever. It cannot be killed, being nobody's and not ours."""
    with harness.waiting([harness.system_python().path, str(SIM / "double_close.py")]) as process:
        run = Run(["--native", "-p", str(process.pid)]).attached()
        helper = helper_of(run)
        confined(helper)
        os.kill(helper, signal.SIGSTOP)
        process.communicate(b"x", timeout=harness.TIMEOUT)
        result = run.finish(process.returncode)
        os.kill(helper, signal.SIGCONT)
    harness.wait_until(lambda: not Path(f"/proc/{helper}").exists(), "the helper ends with us")
    site = only(result.findings)["sites"]["bad"]
    assert site["native_status"] == "failed"
    assert result.code == 0
