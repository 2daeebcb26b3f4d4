# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The programs of the corpus, the truth that stands in each, and what a finding is worth beside it.

Owns: the language of their heads (README.md). Never: runs anything.
"""
import ast
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PROGRAMS = FOLDER / "programs"
PACKAGES = FOLDER / "packages"
ROLES = ("OPENED", "FIRST", "CULPRIT", "VICTIM")
TRUTH = re.compile(r"^truth(?:\(([\w.-]*)(@attached)?\))?: (\w+)(?: (proven|likely|open))?((?: \w+=\S+)*)$",
                   re.MULTILINE)
MISLEADS = re.compile(r"^misleads: (.+)$", re.MULTILINE)
NEEDS = re.compile(r"^needs: (\S+)$", re.MULTILINE)
# Of a package's own functions: they have no marks.
NAMED = re.compile(r"^(opened|first|culprit|victim): (\w+@[\w.]+)$", re.MULTILINE)
MARK = re.compile(r"#((?: \b[A-Za-z]+\b(?:\([\w,.-]+\))?)+)$")
WORD = re.compile(r"([A-Za-z]+)(?:\(([\w,.-]+)\))?")
STRENGTH = {"open": 0, "likely": 1, "proven": 2}


class Program:
    """A file of programs/: its source, and the functions that its lines lie in."""

    def __init__(self, path):
        self.path, self.name = path, path.stem
        self.source = path.read_text()
        tree = ast.parse(self.source)
        self.story = ast.get_docstring(tree) or ""
        self.needs = NEEDS.findall(self.story)
        self.named = {role.upper(): name for role, name in NAMED.findall(self.story)}
        self.misleads = bool(MISLEADS.search(self.story))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        self.functions = [(node.lineno, node.end_lineno) for node in ast.walk(tree)
                          if isinstance(node, kinds)]

    def function(self, line):
        """The innermost function that a line lies in, as its lines; None is the module."""
        around = [f for f in self.functions if f[0] <= line <= f[1]]
        return min(around, key=lambda f: f[1] - f[0], default=None)

    def marks(self, form):
        """Role -> lines. A capital role is the call itself, a small one a line that led to it."""
        found = {}
        for number, line in enumerate(self.source.splitlines(), 1):
            mark = MARK.search(line)
            for word, forms in WORD.findall(mark[1]) if mark else ():
                if word.upper() in ROLES and (not forms or form in forms.split(",")):
                    found.setdefault(word, set()).add(number)
        return found


@dataclass(frozen=True)
class Truth:
    """One run of a program, and what is true of it. kind is none where nothing is wrong."""

    program: Program
    form: str
    attached: bool
    kind: str
    best: str
    settings: dict = field(hash=False, compare=False)

    @property
    def id(self):
        mode = "@attached" if self.attached else ""
        return self.program.name + (f"({self.form}{mode})" if self.form or mode else "")

    @property
    def marks(self):
        return self.program.marks(self.form)

    def runs_on(self, version):
        low, high = (self.settings.get(k) for k in ("min", "max"))
        number = lambda text: tuple(map(int, text.split(".")))
        return not (low and version < number(low)) and not (high and version > number(high))

    def command(self, python):
        flags = self.settings.get("flags", "").split(",") if "flags" in self.settings else []
        return [python, *flags, str(self.program.path), *([self.form] if self.form else [])]


@lru_cache(maxsize=None)
def truths(folder=PROGRAMS):
    """Every run of every program of a folder."""
    found = []
    for path in sorted(folder.glob("*.py")):
        if path.name == "proof.py":
            continue
        program = Program(path)
        lines = TRUTH.findall(program.story)
        if not lines or program.story.count("\ntruth") != len(lines):
            raise ValueError(f"{path}: its head says no truth, or one that cannot be read")
        for form, attached, kind, best, settings in lines:
            found.append(Truth(program, form, bool(attached), kind, best,
                               dict(part.split("=") for part in settings.split())))
    return found


# --- what a finding is worth ---------------------------------------------------------------


def folded(findings):
    """The findings above info, each once: an update replaces what it updates."""
    told = {}
    for number, finding in enumerate(findings):
        told[finding.get("id", number)] = finding
    return [f for f in told.values() if f["severity"] != "info"]


def is_root(finding):
    """It says of no other that it is, or may be, its cause."""
    return "caused_by" not in finding and "may_follow_from" not in finding


class Judge:
    """Compares findings with one truth."""

    def __init__(self, truth):
        self.truth, self.marks = truth, truth.marks

    def lines(self, finding, site):
        """The program's own lines of a site, innermost first, and function@file of those of packages
        that have their place in the truth; None: there is no such site."""
        found = finding.get("sites", {}).get(site)
        if found is None:
            return None
        return [line for line in map(self.line, found.get("python", [])) if line is not None]

    def line(self, frame):
        if frame["file"] == str(self.truth.program.path):
            return frame.get("line", 0)
        function = frame["function"].rpartition(".")[2]
        name = f"{function}@{Path(frame['file']).name}"
        return name if name in self.truth.program.named.values() else None

    def wanted(self, role):
        """What may stand innermost at that role."""
        named = self.truth.program.named.get(role)
        return self.marks.get(role, set()) | ({named} if named else set())

    def function(self, line):
        return line if isinstance(line, str) else self.truth.program.function(line)

    def is_at(self, lines, role):
        """At the very lines of that role?"""
        if lines is None:
            return False
        wanted, outer = self.wanted(role), self.marks.get(role.lower(), set())
        inner = lines[0] in wanted if lines and wanted else not lines and not wanted
        return inner and (not outer or bool(outer & set(lines)))

    def is_in(self, lines, role):
        """In the function of that role?"""
        if lines is None:
            return False
        wanted = {self.function(line) for line in self.wanted(role)}
        if not lines:
            return not wanted
        return self.function(lines[0]) in wanted

    def verdict(self, finding):
        """(what, exact): what is right, open, wrong, or follows from another finding, which is judged
        for both; exact: to the line. One that may follow accuses somebody all the same, unless it is
        open."""
        if "caused_by" in finding:
            return "follows", False
        if "may_follow_from" in finding and finding.get("attribution") == "open":
            return "follows", False
        if self.truth.kind == "none":
            return "wrong", False
        bad, closed = (self.lines(finding, site) for site in ("bad", "closed"))
        if finding.get("attribution") == "open":
            return "open", any(self.is_at(c, "CULPRIT") for c in self.candidates(finding))
        if finding["culprit"] != "unknown":
            named = bad if finding["culprit"] == "bad" else closed
            exact = self.is_at(named, "CULPRIT") and self.first_is_exact(finding, closed)
            return ("right" if self.is_in(named, "CULPRIT") else "wrong"), exact
        if self.is_in(bad, "CULPRIT") and (closed is None or self.is_in(closed, "FIRST")):
            return "right", self.is_at(bad, "CULPRIT") and self.is_at(closed, "FIRST")
        if self.is_in(closed, "CULPRIT"):
            return "open", self.is_at(closed, "CULPRIT")
        return "wrong", False

    def first_is_exact(self, finding, closed):
        if finding["culprit"] != "bad" or closed is None or not self.wanted("FIRST"):
            return True
        return self.is_at(closed, "FIRST")

    def candidates(self, finding):
        """The lines of each close that may be the wrong one."""
        for candidate in finding.get("candidates", ()):
            yield self.lines({"sites": candidate}, "closed")
        for site in ("bad", "closed"):
            yield self.lines(finding, site)
