# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What the end-to-end tests share: the machine, running under fdtrace, faulthandler's log.

Owns: every process that a test starts. Never: traces or signals one that it did not start.
Environment: FDTRACE (the binary), FDTRACE_PYTHONS (more interpreters, colon-separated),
FDTRACE_TEST_SLOW (a factor for every time limit), FDTRACE_TEST_ATTACH (a kind for --hooks).
The Pythons that `make pythons` has fetched are taken from its cache.
"""
import atexit
import contextlib
import fcntl
import glob
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import pythons as fetched  # noqa: E402
SIM = ROOT / "tests" / "sim"
# Taken once: pytest changes the environment while cases run in their threads.
ENVIRON = dict(os.environ)
FDTRACE = os.environ.get("FDTRACE", str(ROOT / "fdtrace"))
SLOW = float(os.environ.get("FDTRACE_TEST_SLOW", "1"))
HOOKS = ["--hooks", os.environ["FDTRACE_TEST_ATTACH"]] if "FDTRACE_TEST_ATTACH" in os.environ else []
VERSIONS = [(3, minor) for minor in range(6, 16)]
TIMEOUT = 60 * SLOW

# fdtrace's first line on stderr, once it is attached.
ATTACHED = re.compile(r"^fdtrace: tracing\b|^tracing\b", re.M)
# Architectures younger than these calls do not have them: the C library makes others of them.
SUCCESSORS = {"creat": "openat", "dup2": "dup3", "pipe": "pipe2"}
# A Python stack of this many frames is complete; a deeper one may be cut.
FRAMES_AT_LEAST = 128


# --- the machine ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Python:
    path: str
    version: tuple
    label: str  # 3.11-debian, 3.11.7
    stdlib: str
    libc: tuple = ()  # () of musl
    kind: str = ""  # t: free-threaded; -musl

    @property
    def compiler(self):
        """Builds libraries that it can load."""
        return "cc" if self.libc else "musl-gcc"

    @property
    def launched(self):
        """Does another program exec it, in a root of its own?"""
        return "-root" in self.label

    @property
    def loads_ours(self):
        """Can a library that was built here be preloaded? Not into an older libc."""
        if not self.libc:
            return bool(shutil.which("musl-gcc"))
        return self.libc >= libc_version(os.confstr("CS_GNU_LIBC_VERSION"))

    def own(self, file):
        """Is this file of a frame the program's own, not the standard library's?"""
        return not file.startswith((self.stdlib + "/", "<frozen "))

    def plain(self, function):
        """A qualified name as this version's code objects have it."""
        return function if self.version >= (3, 11) else function.rpartition(".")[2]


def libc_version(text):
    return tuple(map(int, re.findall(r"\d+", text)))


def _ask_python(path):
    code = (
        "import sys, os\n"
        "try: libc = os.confstr('CS_GNU_LIBC_VERSION')\n"
        "except OSError: libc = ''\n"
        "print(*sys.version_info[:3], sys.abiflags or '-', os.path.dirname(os.__file__), libc)"
    )
    try:
        answer = subprocess.check_output([path, "-S", "-c", code], text=True, timeout=TIMEOUT)
    except (OSError, subprocess.SubprocessError):
        return None
    major, minor, micro, flags, stdlib, *libc = answer.split()
    where = "system" if path.startswith("/usr/") else "own"
    if path.startswith(str(fetched.CACHE)):
        where = "root-debug" if path.endswith("-dbg") else "root"
    if "-O0/" in path:
        where = "own-O0"
    kind = ("t" if "t" in flags else "") + ("" if libc else "-musl")
    label = f"{major}.{minor}.{micro}{kind}-{where}"
    version = (int(major), int(minor))
    return Python(path, version, label, stdlib, libc_version("".join(libc)), kind)


@lru_cache(maxsize=None)
def pythons():
    """Every CPython 3.6-3.15 of this machine, one of each kind."""
    paths = os.environ.get("FDTRACE_PYTHONS", "").split(":")
    paths += sorted(glob.glob("/usr/bin/python3.[0-9]*"))
    for version in VERSIONS:
        pattern = "~/.pyenv/versions/%d.%d.*/bin/python3" % version
        paths += sorted(glob.glob(os.path.expanduser(pattern)))
    paths += map(str, fetched.cached() + fetched.built())
    found = {}
    for path in paths:
        if re.fullmatch(r"\S*python[\d.]*t?(-dbg)?", path) and os.access(path, os.X_OK):
            python = _ask_python(path)
            if python and python.version in VERSIONS:
                found.setdefault(python.label, python)
    return list(found.values())


def pythons_once():
    """One of each version from 3.8 on, and the system's own: for programs written for those, and
    for glibc: musl makes other calls."""
    found = {}
    for python in pythons():
        if python.version >= (3, 8) and python.libc:
            system = python.path.startswith("/usr/")
            found.setdefault((python.version, python.kind, system), python)
    return list(found.values())


def call_here(name):
    """The system call that a call of this name is on this machine."""
    return name if platform.machine() == "x86_64" else SUCCESSORS.get(name, name)


def absent_versions():
    return [v for v in VERSIONS if v not in {p.version for p in pythons()}]


def system_python():
    """The CPython that the machine's own tools use: the one for tests that need any."""
    return next(p for p in pythons() if p.path.startswith("/usr/") or p is pythons()[-1])


@lru_cache(maxsize=None)
def build_dir():
    """Where compiled programs lie, for every user to run; gone when the tests are over."""
    path = tempfile.mkdtemp(prefix="fdtrace-e2e-")
    os.chmod(path, 0o755)
    atexit.register(shutil.rmtree, path)
    return Path(path)


_build_lock = threading.Lock()


def build(source, *flags, compiler="cc"):
    """Compiles a C file once; its path."""
    with _build_lock:
        folder = build_dir() / compiler
        folder.mkdir(exist_ok=True)
        target = folder / (Path(source).stem + (".so" if "-shared" in flags else ""))
        if not target.exists():
            command = [compiler, "-O1", "-D_GNU_SOURCE", "-pthread", f"-I{SIM}", *flags]
            subprocess.run([*command, "-o", target, source, "-ldl"], check=True)
        return str(target)


# --- running under fdtrace -----------------------------------------------------------------


def clean_env(**more):
    """The environment of every process here: no sudo, no colours, no bytecode files."""
    env = {k: v for k, v in ENVIRON.items() if not k.startswith(("SUDO_", "PYTHON"))}
    env.pop("NO_COLOR", None)
    return {**env, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(SIM), **more}


def pausing(python):
    """An environment for a simulator: a Python that a launcher starts, of a file that fdtrace meets
    there for the first time, is known some hundredths of a second after its start."""
    return clean_env(FDTRACE_SIM_PAUSE=str(0.3 * SLOW)) if python.launched else clean_env()


def wait_until(condition, what, seconds=TIMEOUT):
    """Polls until condition() is true; its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


@dataclass
class Result:
    """How a run under fdtrace ended. status is the traced program's, code fdtrace's."""

    code: int
    stdout: str
    stderr: str
    lines: list
    status: int = 0

    @property
    def findings(self):
        return [line for line in self.lines if line["kind"] not in ("call", "update", "summary")]

    @property
    def calls(self):
        return [line for line in self.lines if line["kind"] == "call"]

    @property
    def summary(self):
        return next(line for line in self.lines if line["kind"] == "summary")

    def numbers(self):
        """What the simulator said: name -> number."""
        return {k: int(v) for k, v in re.findall(r"^(\w+)=(-?\d+)$", self.stdout, re.M)}

    def count(self, kind):
        return sum(f["count"] for f in self.findings if f["kind"] == kind)


def read(path):
    """A file's text as it is: no newline is translated."""
    return path.read_bytes().decode("utf-8", "replace")


class Run:
    """fdtrace in the background: its output in files, so that no pipe can fill up."""

    def __init__(self, options, command=(), env=None, json_lines=True, **popen):
        self.folder = tempfile.TemporaryDirectory(prefix="fdtrace-run-")
        self.out, self.err, self.json = (Path(self.folder.name, n) for n in ("o", "e", "j"))
        # Each finding, not only the first of its bug and place: what tests count.
        output = ["--json", "--all", "-o", str(self.json)] if json_lines else []
        argv = [FDTRACE, *HOOKS, *output, *options, *(["--", *command] if command else [])]
        popen.setdefault("stdin", subprocess.DEVNULL)
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                argv, env=env or clean_env(), **{"stdout": out, "stderr": err, **popen}
            )

    def attached(self):
        """Waits for the first line: from here on everything is seen."""

        def look():
            return ATTACHED.search(self.stderr()) or self.process.poll() is not None

        wait_until(look, "fdtrace is attached")
        if self.process.poll() is not None:
            raise RuntimeError(f"fdtrace ended, {self.process.returncode}: {self.stderr()}")
        return self

    def stderr(self):
        return read(self.err)

    def finish(self, status=0, seconds=TIMEOUT):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        text = read(self.json) if self.json.exists() else ""
        lines = [json.loads(line) for line in text.split("\n") if line]
        result = Result(code, read(self.out), self.stderr(), lines, status)
        self.folder.cleanup()
        return result


def started(command, options=(), env=None, **popen):
    """`fdtrace [options] -- command`: to its end."""
    result = Run(options, command, env, **popen).finish()
    result.status = result.code
    return result


@contextlib.contextmanager
def killed_after(process, seconds):
    """What waits for its output without a limit comes back with none."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def waiting(command, env=None, **popen):
    """A process that has reached wait_for_tracer(). Closing its stdin lets it go on."""
    env = {**(env or clean_env()), "FDTRACE_SIM_WAIT": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, **popen) as process:
        try:
            with killed_after(process, TIMEOUT):
                line = process.stdout.readline()
            if line != b"ready\n":
                raise RuntimeError(f"the simulator said {line!r}")
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def let_search_end():
    """Where all is slow, objects that were made before the attach may be searched for still."""
    time.sleep(0.1 * (SLOW - 1))


def attached(command, options=(), env=None, **popen):
    """`fdtrace [options] -p PID` on a waiting process, which then goes on to its end."""
    with waiting(command, env, **popen) as process:
        run = Run([*options, "-p", str(process.pid)]).attached()
        let_search_end()
        stdout, _ = process.communicate(b"x", timeout=TIMEOUT)
    result = run.finish(process.returncode)
    result.stdout = stdout.decode(errors="replace")
    return result


# --- faulthandler's log: the truth about stacks --------------------------------------------


@dataclass
class Logged:
    """One close as preload.c logged it. frames: (file, line or None, plain name), as
    faulthandler escapes them; None where it was not there to ask (shutdown). broken: it lost its
    way at the shim of a specialised Class() (3.13.6 on), and there is more. objects: what frame
    objects say, uncut, with escapes: (file, line or None, qualified name); None: not asked."""

    tid: int
    fd: int
    frames: list
    result: str
    broken: bool = False
    objects: list = None


# faulthandler of 3.12 and 3.13 shows the shim that a specialised Class() pushes; tracebacks, and
# CPython's own rule for incomplete frames, do not.
SHIM = ("__init__", None, "__init__")
LOGGED_FRAME = re.compile(r'^  File (?:"(.*)"|(\?\?\?)), line (\d+|\?\?\?) in (.*)$')
FAULTHANDLER_FRAMES = 100


def blocks(recording):
    """The bytes of each block of a recording, unpacked (docs/recording.md)."""
    data = recording.read_bytes()[112:]
    while data:
        _, stored, _, _ = struct.unpack_from("<4I", data)
        raw, data = zlib.decompress(data[16:16 + stored]), data[16 + stored:]
        yield raw


def object_frame(line):
    _, name, number, file = line.split(" ")
    return file, int(number) if int(number) > 0 else None, name


def parse_faultlog(text):
    log, objects = [], []
    for line in text.splitlines():
        # A byte that is no UTF-8: a lone surrogate in Python, \\u00XX in fdtrace's JSON.
        line = re.sub(r"\\udc([89a-f].)", r"\\x\1", line)
        frame = LOGGED_FRAME.match(line)
        if line.startswith("close "):
            log.append(Logged(*map(int, line.split()[1:]), frames=None, result=""))
        elif line == "  <invalid frame>":
            log[-1].broken = True
        elif line == "frames end":
            log[-1].objects, objects = objects, []
        elif line.startswith("frame "):
            objects.append(object_frame(line))
        elif line.startswith("= "):
            log[-1].result = line[2:]
        elif line.startswith("Stack (most recent call first)"):
            log[-1].frames = []
        elif frame:
            number = None if frame[3] == "???" else int(frame[3])
            shown = (frame[1] or "???", number, frame[4])
            log[-1].frames += [shown] if shown != SHIM else []
    return log


@contextlib.contextmanager
def faultlog(python):
    """(environment, file descriptor, read): a program run so by this Python logs its closes, from
    simlib.wait_for_tracer() on; read() parses the log."""
    with tempfile.TemporaryFile("w+b") as file:
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND | fcntl.fcntl(file, fcntl.F_GETFL))
        fd = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 900)

        def read():
            file.seek(0)
            return parse_faultlog(file.read().decode())

        env = clean_env(
            LD_PRELOAD=build(Path(__file__).parent / "preload.c", "-shared", "-fPIC",
                             compiler=python.compiler),
            FDTRACE_SIM_FAULTLOG=str(fd),
            # Else malloc asks /sys how many processors there are: a close that nobody logs.
            MALLOC_ARENA_MAX="4",
        )
        try:
            yield env, fd, read
        finally:
            os.close(fd)


def logging(python, env, command):
    """The command, so that faultlog()'s library is loaded: musl's cannot be into fdtrace itself."""
    if python.libc:
        return command
    return ["env", "LD_PRELOAD=" + env.pop("LD_PRELOAD"), *command]


def as_python_escapes(text):
    """Text as str.encode("unicode_escape") has it, without blanks."""
    return text.encode("unicode_escape").decode("ascii").replace(" ", "\\x20")


def as_faulthandler(text, limit=500):
    """Text as faulthandler prints it: ASCII with escapes, cut at 500 characters."""

    def escape(c):
        code = ord(c)
        if 0x20 <= code < 0x7F:
            return c
        for width, letter in ((2, "x"), (4, "u"), (8, "U")):
            if code < 16**width:
                return f"\\{letter}{code:0{width}x}"

    return "".join(map(escape, text[:limit])) + ("..." if len(text) > limit else "")
