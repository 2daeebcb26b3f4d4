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

# The rooms of user/, its folders, and what each may include beside itself. Nothing stands in user/
# but main.c.
ROOMS = {
    "main": {"cli", "agent", "native", "base"},
    "cli": {"tracer", "report", "session", "source", "ebpf", "security", "process", "recording",
            "base"},
    "agent": {"tracer", "report", "session", "source", "ebpf", "security", "process", "base"},
    "tracer": {"session", "source", "ebpf", "native", "security", "recording", "process", "python",
               "base"},
    "report": {"session", "source", "stack", "base"},
    "session": {"stack", "process", "fd", "base"},
    "stack": {"fd", "python", "base"},
    "process": {"fd", "python", "base"},
    "source": {"process", "security", "base"},
    "ebpf": {"security", "base"},
    "native": {"security", "base"},
    "security": {"python", "base"},
    "fd": {"base"},
    "python": {"base"},
    "recording": {"base"},
    "base": set(),
}
# What a room may use of bpf/abi/; every one the records.
RECORDS = {"calls.h", "record.h", "record_user.h"}
FROM_BPF = {
    "base": {"owner_layout.h"},
    "security": {"owner_layout.h", "py_layout.h"},
    "ebpf": {"owner_layout.h", "py_layout.h", "maps.h"},
    "python": {"owner_layout.h", "py_layout.h"},
}
# Front ends say something; every other room returns errors and data, and leaves that to them.
LOUD = {"main", "cli", "agent"}

FORBIDDEN = {
    "c": r"\b(strcpy|strcat|gets|strtok|atoi|atol|alloca|system|popen)\s*\(",
    "silent": r"\b(stderr|stdout)\b|"
              r"\b(perror|v?printf|v?dprintf|puts|putchar|v?syslog|v?warnx?|v?errx?|error)\s*\(|"
              r"\bwrite\s*\(\s*(2|STDERR_FILENO|1|STDOUT_FILENO)\b",
    "pure": r"\b(open|openat|creat|read|pread|write|pwrite|fopen|opendir|socket|ioctl|mmap|fork|"
            r"readlink|l?stat|fstat|poll|kill|getenv|getpid|time|gettimeofday|clock_gettime|syscall)"
            r"\s*\(",
    "text": r"\b(TODO|FIXME|XXX|HACK)\b",
    "placeholder": r"@@",
}

# What a pure room does without: whatever it knows comes with records.
PURE = {"fd", "session", "report"}
# The one file of a room beside the front ends that may print.
LIBBPF_LOG = "user/ebpf/ebpf.c"
# What is compiled without the rooms that need a kernel.
WITHOUT_KERNEL = "user/cli/replay.c", {"ebpf", "tracer"}

# Names that were ours alone: the field has words for what they meant. As part of any name; as that of
# a function; as a type; as a file; as a word of a comment or a text.
RETIRED = re.compile(
    r"(?<![a-z])(?:life|desk|scene|rungs?|ladder|foreign|standing|strangers|relist|proved?|sound|mend|"
    r"survey|news|complain|announce|guard|light|sight)(?![a-z])|"
    r"\b(?:learned|natives|inner|held)_\w+\(|"
    r"\b(?:struct|enum) (?:number|hold|held|made|inner|natives|users?|home|probe|attach|returned)\b",
    re.IGNORECASE)
RETIRED_USER = re.compile(r"\btell(?:_\w+)?\(|\w_tell\w*\(")
RETIRED_REPORT = re.compile(r"\bwords_\w+\(|\w_words\(")
RETIRED_FILES = {
    "announce", "attach", "complain", "desk", "foreign", "guard", "held", "hold", "home", "inner",
    "installed", "ladder", "learned", "life", "light", "lives", "made", "mend", "natives", "news",
    "number", "probe", "prove", "relist", "returned", "rung", "scene", "sight", "sound", "standing",
    "strangers", "survey", "tell", "user", "watch", "words", "words_native"}
RETIRED_TEXT = re.compile(r"\b(?:rungs?|ladders?|relist\w*|desk)\b", re.IGNORECASE)

problems = []


def problem(path, line, text):
    problems.append(f"{path.relative_to(TOP)}:{line}: {text}")


def files(*patterns):
    return sorted(path for pattern in patterns for path in TOP.glob(pattern) if path.is_file())


def without_comments(text):
    """C text with comments and strings blanked, lines kept."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.DOTALL)


def check_retired(path, text, pattern):
    for number, line in enumerate(text.split("\n"), 1):
        if found := pattern.search(line):
            problem(path, number, f"{found[0]}: a word of ours alone, see docs/glossary.md")


def check_license(path, text):
    where = path.relative_to(TOP)
    expected = USER_LICENSE
    if where.parts[:2] == ("bpf", "abi"):
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
    """The room of a file of user/: its folder; main.c has none."""
    parts = path.relative_to(TOP / "user").parts
    return parts[0] if len(parts) > 1 else path.stem


def check_rooms():
    """No circle: each room's own come before it, or there is no order."""
    left = {room: set(others) for room, others in ROOMS.items()}
    while left:
        free = [room for room, others in left.items() if not others & set(left)]
        if not free:
            problem(Path(__file__).resolve(), 1, f"rooms in a circle: {', '.join(left)}")
            return
        for room in free:
            del left[room]


def check_includes(path, text):
    room = room_of(path)
    if room not in ROOMS:
        problem(path, 1, f"{room} is no room that this lint knows")
        return
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s+(["<])([^">]+)', line)
        if found and (found[1] == '"' or (TOP / "user" / found[2]).exists()):
            check_include(path, number, room, found[2])


def check_include(path, number, room, name):
    if (TOP / "bpf" / name).exists():
        if Path(name).name not in RECORDS | FROM_BPF.get(room, set()):
            problem(path, number, f"{room} must not include bpf/{name}")
        return
    target = next((p for p in (path.parent / name, TOP / "user" / name) if p.exists()), None)
    if target is None:
        if name not in (TOP / "Makefile").read_text() and not name.endswith(".skel.h"):
            problem(path, number, f"{name}: no such header")
        return
    other = room_of(target.resolve())
    if other != room and other not in ROOMS[room]:
        problem(path, number, f"{room} must not include {other} ({name})")


def check_without_kernel():
    """What only reads a recording needs no kernel side, not even through another's header."""
    start, rooms = WITHOUT_KERNEL
    seen, left = set(), [TOP / start]
    while left:
        path = left.pop()
        if path in seen:
            continue
        seen.add(path)
        if room_of(path) in rooms:
            problem(TOP / start, 1, f"reaches {path.relative_to(TOP)}")
        names = re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.MULTILINE)
        left += [TOP / "user" / name for name in names if (TOP / "user" / name).exists()]


def check_test_rooms(tests):
    """tests/unit/ has the rooms of user/; beside them stands only what several rooms' tests share."""
    for path in tests:
        parts = path.relative_to(TOP / "tests/unit").parts
        if parts[0] == "data":
            continue
        if len(parts) == 1 and path.suffix == ".c":
            problem(path, 1, "a test stands in its module's room")
        elif len(parts) > 1 and parts[0] not in ROOMS:
            problem(path, 1, f"{parts[0]} is no room of user/")


def check_calls(folder):
    """The files of a folder call each other in one direction."""
    codes = {path.stem: without_comments(path.read_text()) for path in sorted(folder.glob("*.c"))}
    owner = {name: stem for stem, code in codes.items()
             for name in re.findall(r"^(?!static\b)\w[\w \*]*?\b(\w+)\([^;{]*\)\n\{", code, re.MULTILINE)}
    left = {stem: {owner[name] for name in re.findall(r"\b(\w+)\(", code) if name in owner} - {stem}
            for stem, code in codes.items()}
    while left:
        free = [stem for stem, others in left.items() if not others & set(left)]
        if not free:
            problem(folder, 1, f"files call each other in a circle: {', '.join(left)}")
            return
        for stem in free:
            del left[stem]


def check_names(sources):
    """A breakpoint on a function is one on that function."""
    first = {}
    for path in sources:
        if path.suffix != ".c" or path.relative_to(TOP).parts[0] != "user" or \
                room_of(path) not in ROOMS:
            continue
        code = without_comments(path.read_text())
        for found in re.finditer(r"^static [^;=(){}]*?(?!__attribute__)(\b\w+)\([^;]*?\)\n\{", code, re.MULTILINE):
            if first.setdefault(found[1], path) != path:
                problem(path, code.count("\n", 0, found.start()) + 1,
                        f"{found[1]}() stands in {first[found[1]].relative_to(TOP)}, too")


def check_bpf_includes(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        inside = found and ((TOP / "bpf" / found[1]).exists() or found[1] == "vmlinux.h")
        if found and (not inside or ".." in Path(found[1]).parts):
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

    codes = re.search(r"enum exit_code \{(.*?)\};", (TOP / "user/base/exit_code.h").read_text(), re.DOTALL)
    listed = set(re.findall(r"^\.It (?:Li )?(\d+)", section(text, "EXIT STATUS"), re.MULTILINE))
    for code in re.findall(r"= (\d+),", codes[1]):
        if code not in listed:
            problem(manual, 1, f"exit status {code} is not in EXIT STATUS")


def check_kinds():
    """Each kind of finding, a row of finding_kinds.h, is told of wherever kinds are."""
    rows = (TOP / "user/fd/finding_kinds.h").read_text()
    kinds = re.findall(r"^\tX\([A-Z_]+, (\w+),", rows, re.MULTILINE)
    for path, mention in ("docs/fdtrace.8", ".It Sy {}\n"), ("docs/json.md", "\n| `{}` |"), \
                         ("docs/json.md", '    "{}": '), ("docs/fdtrace-1.schema.json", '"{}"'):
        text = (TOP / path).read_text()
        for kind in kinds:
            if mention.format(kind) not in text:
                problem(TOP / path, 1, f"{mention.format(kind).strip()}: not here")


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
    if path.name.split(".")[0] in RETIRED_FILES and where in ("bpf", "user"):
        problem(path, 1, "this name is a word of ours alone: see RETIRED_FILES")
    if where in ("bpf", "user"):
        check_retired(path, code, RETIRED)
        check_retired(path, text, RETIRED_TEXT)
    if where == "user":
        room = room_of(path)
        check_words(path, code, "c")
        check_includes(path, text)
        check_retired(path, code, RETIRED_USER)
        if room in LOUD | {"report"}:
            check_retired(path, code, RETIRED_REPORT)
        if room not in LOUD and path != TOP / LIBBPF_LOG:
            check_words(path, code, "silent")
        if room in PURE:
            check_words(path, code, "pure")
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
        check_retired(path, text, RETIRED_TEXT)


def main():
    sources = files("vmlinux.h", "bpf/**/*.[ch]", "user/**/*.[ch]", "tests/**/*.[ch]")
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
        check_retired(path, path.read_text(), RETIRED_TEXT)
    check_rooms()
    check_without_kernel()
    check_test_rooms(files("tests/unit/**/*.[ch]"))
    for folder in sorted({path.parent for path in files("user/**/*.c")}):
        check_calls(folder)
    check_names(sources)
    check_manual()
    check_kinds()
    for text in problems:
        print(text)
    print(f"lint: {len(sources) + len(scripts) + len(documents)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
