# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The simulators of tests/sim: what each says it must give, and whether it was given.

Owns: the language of their headers (tests/sim/README.md). Never: runs anything itself but
through harness.py.
"""
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import harness

MODES = ("started", "attached")
SITES = ("bad", "closed", "opened")
VICTIM_SITES = {"victim": "opened", "failed": "failed"}
WORD = re.compile(r"@(sim|expect) (?=\{)")
MARKER = re.compile(r"(?:#|//|/\*) <(\w+)>(?: \*/)?$")


def _header(source, suffix):
    """The opening comments, without what makes them comments."""
    ends = {".py": r"(?:#.*\n)*", ".c": r"(?:/\*(?:.|\n)*?\*/\s*)*"}
    text = re.match(ends[suffix], source)[0]
    return re.sub(r"\s*\n\s*(#|\*)? *", " ", text)


def _version(text):
    return tuple(map(int, text.split(".")))


class Simulator:
    def __init__(self, path):
        self.path, self.name = path, path.name
        self.source = path.read_text()
        header = _header(self.source, path.suffix)
        self.settings, self.expectations = {}, []
        for word in WORD.finditer(header):
            value, _ = json.JSONDecoder().raw_decode(header, word.end())
            if word[1] == "sim":
                self.settings.update(value)
            else:
                self.expectations.append(value)
        lines = enumerate(self.source.splitlines(), 1)
        self.markers = {m[1]: n for n, line in lines for m in [MARKER.search(line)] if m}

    def runs(self, mode, version=None):
        low, high = self.settings.get("min"), self.settings.get("max")
        return (
            mode in self.settings.get("modes", MODES)
            and not (version and low and version < _version(low))
            and not (version and high and version > _version(high))
        )

    def expected(self, mode, version=None, told=None, ownership="on"):
        """The expectations that hold for this mode and this Python, if the program told these
        numbers (None: whatever it told)."""
        return [
            e
            for e in self.expectations
            if mode in e.get("modes", MODES)
            and ownership == e.get("ownership", ownership)
            and (told is None or e.get("if_told") in (None, *told))
            and not (version and version < _version(e.get("min", "3.0")))
            and not (version and version > _version(e.get("max", "3.99")))
        ]

    def command(self, python, folder):
        """What to run, and the file name that its frames have."""
        if not python:
            return [harness.build(self.path)], None
        if self.settings.get("run") == "-c":
            return [python.path, "-c", self.source], "<string>"
        path = self.path
        if "copy_as" in self.settings:
            path = Path(folder, self.settings["copy_as"])
            shutil.copy(self.path, path)
        return [python.path, str(path)], str(path)


def simulators(suffix):
    paths = sorted(harness.SIM.glob("*" + suffix))
    return [Simulator(path) for path in paths if path.name != "simlib.py"]


# --- what was given ------------------------------------------------------------------------


@dataclass
class Sight:
    """A simulator's run, and how to read its findings."""

    simulator: Simulator
    python: harness.Python
    file: str
    numbers: dict
    owned: bool = True  # Python's objects were asked whose the descriptors are
    hooks: str = ""  # what was watched

    @property
    def installs(self):
        return "fd_install" in self.hooks

    @property
    def removes(self):
        return "file_close_fd_locked" in self.hooks or "__close_fd_get_file" in self.hooks

    @property
    def looks_up(self):
        return re.search(r"(file_close|[ _]close)_fd\b", self.hooks)

    def shows(self, want):
        """Whether this kernel lets it be found at all."""
        return (self.removes or "removed" not in want) and (self.looks_up or "flushed" not in want)

    def seen(self, want):
        """The expectation, as far as the kernel lets what is installed be seen."""
        if "removed" in want:
            want = {**want, "calls": {**want.get("calls", {}), "closed": want["removed"]}}
        if "flushed" in want:
            want = {**want, "certainty": None}
        if "covered" in want and not self.installs:
            want = {**want, "certainty": "suspected"}
        if "installed" not in want:
            return want
        if self.installs:
            return {**want, "calls": {**want.get("calls", {}), "opened": want["installed"]}}
        return {**{k: v for k, v in want.items() if k != "opened"}, "missing": ["opened"]}

    def frames(self, text):
        """ "f@marker < g@<file>:7*3" as [(file, line, function)…], innermost first."""
        frames = []
        for part in filter(None, text.split(" < ")):
            part, _, times = part.partition("*")
            function, _, where = part.rpartition("@")
            file, _, line = where.rpartition(":")
            frame = (
                file or self.file,
                int(line) if file else self.simulator.markers[where],
                self.python.plain(function),
            )
            frames += [frame] * int(times or 1)
        return frames

    def own_frames(self, site):
        every = [(f["file"], f.get("line"), f["function"]) for f in site.get("python", [])]
        return [frame for frame in every if self.python.own(frame[0])]


def same_stack(expected, got, cut=False):
    """Is got what was expected? Expected down to <module> is the whole stack; less is its
    innermost part. A cut stack holds at least what is promised."""
    if not expected:
        return not got
    if cut:
        return len(got) >= harness.FRAMES_AT_LEAST and got == expected[: len(got)]
    if expected[-1][2] == "<module>":
        return got == expected
    return got[: len(expected)] == expected


def path_of(finding):
    """The descriptor's path as the program names it: /proc's goes through a root of its own."""
    path = finding.get("what", {}).get("path")
    return path and re.sub(r"^.*/pythons/[^/]+/root(?=/)", "", path)


def differences(sight, want, finding):
    """What of the expectation this finding does not meet: texts, none if it meets all."""
    want = sight.seen(want)
    sites = finding.get("sites", {})
    numbers = sight.numbers
    checks = [
        ("kind", want["kind"], finding["kind"]),
        ("certainty", want.get("certainty", "fact"), finding["certainty"]),
        ("severity", want.get("severity"), finding.get("severity")),
        ("type", want.get("type"), finding.get("what", {}).get("type")),
        ("path", want.get("path"), path_of(finding)),
        ("fd", numbers.get(want.get("fd")), finding["fd"]),
        ("pid", numbers.get(want.get("pid")), finding["process"]["pid"]),
    ]
    checks += owner_checks(want, finding, sight.owned or want.get("ownership") == "off")
    for name, call in want.get("calls", {}).items():
        call = harness.call_here(call)
        checks.append((name + " call", call, sites.get(name, {}).get("call")))
    if "threads" in want and {"bad", "closed"} <= set(sites):
        same = sites["bad"]["tid"] == sites["closed"]["tid"]
        checks.append(("threads", want["threads"], "same" if same else "different"))
    if want.get("advice", "") not in finding.get("advice", ""):
        checks.append(("advice", want["advice"], finding.get("advice")))
    if want.get("advice_not", "\0") in finding.get("advice", ""):
        checks.append(("advice", "without " + want["advice_not"], finding["advice"]))
    if want.get("notes", "") not in " ".join(finding["notes"]):
        checks.append(("notes", want["notes"], finding["notes"]))
    wrong = [f"{n}: {got!r}, not {w!r}" for n, w, got in checks if w is not None and w != got]
    for name in want.get("inherited", ()):
        if sites.get(name, {}).get("pid") in (None, finding["process"]["pid"]):
            wrong.append(f"{name}: is not the parent's")
    sites = {**sites, **victim_sites(finding)}
    names = [*SITES, *VICTIM_SITES]
    return wrong + [text for name in names for text in site_differences(sight, want, name, sites)]


def owner_checks(want, finding, told):
    """What objects tell. Where they are not asked, the frames may tell who the culprit is."""
    culprit, found = want.get("culprit", "unknown"), finding["culprit"]
    culprit = culprit if told else culprit + "|unknown"
    checks = [("culprit", found if found in culprit.split("|") else culprit, found)]
    if told:
        checks.append(("owner", want.get("owner"), finding.get("owner")))
        checks.append(("class", want.get("class"),
                       finding.get("owner_class", "").rpartition(".")[2]))
        for name, origin in want.get("origin", {}).items():
            checks.append((name + " origin", origin,
                           finding["sites"].get(name, {}).get("origin")))
    return checks


def victim_sites(finding):
    victim = finding.get("victim", {})
    return {name: victim[key] for name, key in VICTIM_SITES.items() if key in victim}


def site_differences(sight, want, name, sites):
    site = sites.get(name)
    if name in want.get("missing", ()):
        return [f"{name}: is there"] if site else []
    if name not in want or not sight.python:
        return []
    if not site:
        return [f"{name}: is missing"]
    status = want.get("status", {}).get(name, "complete")
    if site.get("python_status") != status:
        return [f"{name}: stack is {site.get('python_status')}, not {status}"]
    expected, got = sight.frames(want[name]), sight.own_frames(site)
    if same_stack(expected, got, status == "cut"):
        return []
    return [f"{name}: {got[:4]} ({len(got)}), not {expected[:4]} ({len(expected)})"]


def check(sight, wants, findings):
    """Every finding is expected, every expectation is met as often as it says: texts."""
    wrong, left = [], list(findings)
    for want in filter(sight.shows, wants):
        met = [f for f in left if not differences(sight, want, f)]
        left = [f for f in left if f not in met]
        count = sum(f["count"] for f in met)
        promised = want.get("count", 1)
        if promised != count and promised != "maybe" and not (promised == "any" and count):
            wrong.append(f"{count} times, not {promised}: {json.dumps(want)}")
            wrong += [f"    {i}: " + "; ".join(differences(sight, want, f))
                      for i, f in enumerate(findings) if f["kind"] == want["kind"]]
    return wrong + [f"not expected: {brief(f)}" for f in left]


def brief(finding):
    """A finding in a line or so."""
    sites = [
        f"{name} {site['call']}: {[tuple(f.values()) for f in site.get('python', [])[:2]]}"
        for name, site in finding["sites"].items()
    ]
    return f"{finding['kind']} fd {finding['fd']} {finding.get('what')} " + "; ".join(sites)


# --- cases ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One simulator, one way of tracing it, one Python (None: a C program)."""

    simulator: Simulator
    mode: str
    python: harness.Python
    ownership: str = "on"

    @property
    def id(self):
        parts = [self.simulator.name, self.mode] + ([self.python.label] if self.python else [])
        return "-".join(parts + (["unowned"] if self.ownership == "off" else []))

    def expected(self, sight):
        version = self.python and self.python.version
        owned = "on" if sight.owned else "off"
        return self.simulator.expected(self.mode, version, sight.numbers, owned)

    def run(self):
        with tempfile.TemporaryDirectory(prefix="fdtrace-sim-") as folder:
            command, file = self.simulator.command(self.python, folder)
            run = getattr(harness, self.mode)
            env = harness.pausing(self.python) if self.mode == "started" and self.python else None
            result = run(command, ["--all", f"--ownership={self.ownership}"], env)
        return result, Sight(self.simulator, self.python, file, result.numbers(),
                             self.ownership == "on", result.summary["hooks"])


@dataclass(frozen=True)
class Reference:
    """One simulator without fdtrace, its stacks as faulthandler has them."""

    simulator: Simulator
    python: harness.Python

    @property
    def id(self):
        return f"{self.simulator.name}-{self.python.label}"

    def run(self):
        with tempfile.TemporaryDirectory(prefix="fdtrace-sim-") as folder, \
                harness.faultlog(self.python) as (env, fd, read):
            command, file = self.simulator.command(self.python, folder)
            done = subprocess.run(command, env=env, pass_fds=[fd], capture_output=True,
                                  text=True, timeout=harness.TIMEOUT)
            result = harness.Result(0, done.stdout, done.stderr, [], done.returncode)
            return result, Sight(self.simulator, self.python, file, result.numbers()), read()
