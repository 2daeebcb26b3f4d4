#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The house rules that no compiler checks. Prints each breach; ends with 1 if there is one.

Reads the checkout that it lies in, and the output of ./fdtrace --help. Changes nothing.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

FILE_LINES = 600
FUNCTION_LINES = 100

BPF_LICENSE = "GPL-2.0-only"
USER_LICENSE = "LGPL-2.1-or-later OR BSD-2-Clause"
SHARED_LICENSE = f"{BPF_LICENSE} OR {USER_LICENSE}"
# Included by both sides.
SHARED = {"bpf/record.h", "bpf/record_user.h", "bpf/owner.h", "bpf/py_layout.h", "bpf/shared.h"}

# A room of user/ may include those behind it in this list, itself, and never one before it.
ROOMS = ["main", "desk", "agent", "replay", "survey", "targets", "recorder", "reports", "natives", "mapped",
         "attach",
         "relist", "sweep", "learned", "sharers", "left", "frees", "files", "earlier_owners", "owner_class", "unseen", "running", "prove", "spawn", "guard",
         "signals", "status", "output", "strangers",
         "foreign",
         "complain", "options", "session", "report", "source", "sink", "stack", "process", "probe", "fd",
         "python", "native", "recording", "sandbox", "base"]
# Rooms behind that are closed all the same.
CLOSED = {
    "session": {"report", "source"},
    "fd": {"python", "native"},
    "python": {"native"},
}
# What a room may use of bpf/; every one the records.
RECORDS = {"record.h", "record_user.h"}
FROM_BPF = {
    "base": {"owner.h"},
    "foreign": {"owner.h", "py_layout.h"},
    "probe": {"owner.h", "py_layout.h", "shared.h"},
    "python": {"owner.h", "py_layout.h"},
}
# Rooms that return errors and data, and leave it to the loop to say something. (probe/ hands
# on libbpf's own log, on request.)
SILENT = {"session", "stack", "process", "fd", "python", "native", "report", "recording",
          "sandbox", "source"}

FORBIDDEN = {
    "c": r"\b(strcpy|strcat|gets|strtok|atoi|atol|alloca|system|popen)\s*\(",
    "silent": r"\b(stderr|stdout)\b|\b(perror|printf|puts)\s*\(",
    "text": r"\b(TODO|FIXME|XXX|HACK)\b",
    "placeholder": r"@@",
}

problems = []


def problem(path, line, text):
    problems.append(f"{path.relative_to(TOP)}:{line}: {text}")


def files(*patterns):
    return sorted(path for pattern in patterns for path in TOP.glob(pattern) if path.is_file())


def without_comments(text):
    """C text with comments and strings blanked, lines kept."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.DOTALL)


def check_license(path, text):
    where = path.relative_to(TOP)
    expected = USER_LICENSE
    if str(where) in SHARED:
        expected = SHARED_LICENSE
    elif where.parts[0] in ("bpf", "vmlinux.h"):
        expected = BPF_LICENSE
    head = "\n".join(text.split("\n")[:2])
    found = re.search(r"SPDX-License-Identifier: (.*?)(?: \*/)?$", head, re.MULTILINE)
    if not found or found[1] != expected:
        problem(path, 1, f"no SPDX-License-Identifier: {expected}")


def check_size(path, text):
    lines = text.count("\n")
    if lines > FILE_LINES:
        problem(path, FILE_LINES, f"{lines} lines, {FILE_LINES} at most")


def check_c_functions(path, text):
    """Kernel style: a function's braces, and only they, stand in the first column."""
    start = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start + 1 > FUNCTION_LINES:
                problem(path, start, f"a function of {number - start + 1} lines")
            start = None


def check_python_functions(path, text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = node.end_lineno - node.lineno + 1
            if lines > FUNCTION_LINES:
                problem(path, node.lineno, f"a function of {lines} lines")


def check_words(path, text, pattern):
    for number, line in enumerate(text.split("\n"), 1):
        found = re.search(FORBIDDEN[pattern], line)
        if found:
            problem(path, number, f"{found[0].strip()}: not here")


def room_of(path):
    """The room of a file of user/: its folder, or its own name at the top."""
    parts = path.relative_to(TOP / "user").parts
    return parts[0] if len(parts) > 1 else path.stem


def check_includes(path, text):
    room = room_of(path)
    if room not in ROOMS:
        problem(path, 1, f"{room} is no room that this lint knows")
        return
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if found:
            check_include(path, number, room, found[1])


def check_include(path, number, room, name):
    if (TOP / "bpf" / name).exists():
        if name not in RECORDS | FROM_BPF.get(room, set()):
            problem(path, number, f"{room} must not include bpf/{name}")
        return
    target = next((p for p in (path.parent / name, TOP / "user" / name) if p.exists()), None)
    if target is None:
        if name not in (TOP / "Makefile").read_text() and not name.endswith(".skel.h"):
            problem(path, number, f"{name}: no such header")
        return
    other = room_of(target.resolve())
    if other == room:
        return
    if ROOMS.index(other) < ROOMS.index(room) or other in CLOSED.get(room, set()):
        problem(path, number, f"{room} must not include {other} ({name})")


def check_bpf_includes(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if found and found[1] != "vmlinux.h" and not (TOP / "bpf" / Path(found[1]).name).exists():
            problem(path, number, f"bpf/ must not include {found[1]}")


def check_manual():
    """The man page, --help and the exit codes in options.h move together."""
    manual = TOP / "docs/fdtrace.8"
    text = manual.read_text()
    options = section(text, "OPTIONS")
    documented = set(re.findall(r"Fl -([a-z][a-z-]*)", "\n".join(
        line for line in options.split("\n") if line.startswith(".It"))))
    shown = subprocess.run([TOP / "fdtrace", "--help"], stdout=subprocess.PIPE, check=True,
                           encoding="utf-8").stdout
    offered = set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", shown))
    for name in sorted(offered - documented):
        problem(manual, 1, f"--{name} is in --help, but not in OPTIONS")
    for name in sorted(documented - offered):
        problem(manual, 1, f"--{name} is in OPTIONS, but not in --help")

    codes = re.search(r"enum exit_code \{(.*?)\};", (TOP / "user/options.h").read_text(), re.DOTALL)
    listed = set(re.findall(r"^\.It (?:Li )?(\d+)", section(text, "EXIT STATUS"), re.MULTILINE))
    for code in re.findall(r"= (\d+),", codes[1]):
        if code not in listed:
            problem(manual, 1, f"exit status {code} is not in EXIT STATUS")


def section(manual, name):
    found = re.search(rf"^\.Sh {name}\n(.*?)(?=^\.Sh |\Z)", manual, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def check_c(path):
    text = path.read_text()
    code = without_comments(text)
    where = path.relative_to(TOP).parts[0]
    check_license(path, text)
    check_words(path, text, "text")
    check_c_functions(path, code)
    if path.name != "vmlinux.h":
        check_size(path, text)
    if where == "user":
        check_words(path, code, "c")
        check_includes(path, text)
        if room_of(path) in SILENT:
            check_words(path, code, "silent")
    if where == "bpf":
        check_bpf_includes(path, text)


def check_script(path):
    text = path.read_text()
    check_license(path, text)
    check_size(path, text)
    if path.suffix == ".py":
        check_python_functions(path, text)
    if path != Path(__file__).resolve():
        check_words(path, text, "text")


def main():
    sources = files("vmlinux.h", "bpf/*.[ch]", "user/**/*.[ch]", "tests/**/*.[ch]")
    scripts = files("tests/**/*.py", "tests/**/*.sh", "packaging/*.py", "packaging/run",
                    "packaging/demo", "packaging/*.mk", "tests/*.mk")
    documents = files("*.md", "NEWS", "docs/*")
    for path in sources:
        check_c(path)
    for path in scripts:
        check_script(path)
    for path in documents:
        check_words(path, path.read_text(), "text")
        check_words(path, path.read_text(), "placeholder")
    check_manual()
    for text in problems:
        print(text)
    print(f"lint: {len(sources) + len(scripts) + len(documents)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
