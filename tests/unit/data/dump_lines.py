#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Write down which line CPython itself gives to every instruction of a corpus.

Run it under the CPython (3.7 on) that is to be asked:

    python3.12 dump_lines.py > lines-3.12.txt              # the corpus of the unit test
    python3.12 dump_lines.py /usr/lib/python3.12 > ...     # every .py file below a folder

The oracle is PyCode_Addr2Line(), which frame.f_lineno and every traceback rest on. Output:

    python 030c
    code FIRSTLINENO TABLE-IN-HEX           (-: an empty table)
    lines LINE LINE*COUNT ...               one per code unit of two bytes; -1: no line

test_linetable.c reads it.
"""

import ctypes
import importlib.util
import os
import sys
import types
import warnings

addr2line = ctypes.pythonapi.PyCode_Addr2Line
addr2line.argtypes = [ctypes.py_object, ctypes.c_int]
addr2line.restype = ctypes.c_int

MODULES = ["contextlib", "tempfile", "functools", "heapq", "asyncio.locks"]

PLAIN = '''"""Doc."""
import os, \\
    sys

x = [
    1,
    2 if sys else
    3,
    (lambda a:
     a + 1),
]


def multi(a, b=x[
        0], *c, d=None):
    """Doc."""
    return multi(
        a
        + b,
        *[e
          for e in c
          if e
          if not
          a],
        d={k: v
           for k, v
           in zip(a,
                  b)},
    ).one(
    ).two(3,
          4)[
        5]


def backwards(f):
    f(a=1,
      b=[
          f
          (2)
      ],
      c=f(
          3)); f(4); f(
          5)
    assert (f and
            not f), (
                "x"
                "y")


def closing(path):
    try:
        with open(path) as f, \\
                open(path) as g:
            for line in f:
                if not line:
                    continue
                elif line == 1:
                    break
                g.write(
                    line)
            else:
                return 1
    except (OSError,
            ValueError) as e:
        raise RuntimeError(
            e) from e
    except Exception:
        pass
    else:
        return 2
    finally:
        os.close(
            3)
    while True:
        try:
            return 4
        finally:
            if path:
                break


class Outer(object,
            metaclass=type):
    """Doc."""
    a = 1
    b: int = 2

    @property
    def p(self): return self.a

    @staticmethod
    @os.path.join(
        "a")
    def q(): pass

    class Inner:
        def __del__(self):
            del self.a, \\
                self.b


def generator(n):
    got = yield
    yield from (
        i
        for i in
        range(n))
    return (yield
            got)


async def coroutine(a):
    async with a as b:
        await b
    async for c in (
            a):
        yield c
    d = [e async for e in
         a]
    return


def closure(a):
    def inner():
        nonlocal a
        a += 1
        return lambda: (
            a)
    global x
    x = f"""{
        a} and {inner(
            )!r}
    """
    return inner


def one_line(): return 1
def two(a): b = a; return b; print(a)


'''

MATCH = '''
def matching(a):
    match a:
        case [1, 2,
              *rest] if rest:
            return rest
        case {"k": v,
              **others}:
            return v
        case int(
                real=3) | None:
            pass
        case _:
            return (
                a)


def parenthesised(a):
    with (open(a) as f,
          open(a) as g):
        return f, g
'''

STARS = '''
def groups():
    try:
        f()
    except* ValueError as e:
        raise
    except* (TypeError,
             KeyError):
        pass
'''


def gaps():
    """Line and address deltas that need more than one entry, both ways."""
    text = "def gaps(f):\n    f(\n"
    for gap in (1, 60, 64, 126, 127, 128, 129, 254, 255, 256, 300, 1000, 5000):
        text += "\n" * gap + "        f" + "\n" * gap + "        (1),\n"
    return text + "    )\n" + "\n" * 70000 + "    f()\n"


def long_function():
    text = "def long_function(f):\n"
    text += "".join(f"    f({i},\n      {i}, a={i})\n" for i in range(400))
    return text + "    f(" + " + ".join(["f"] * 300) + ")\n    return f\n"


def samples():
    yield PLAIN
    yield gaps()
    yield long_function()
    if sys.version_info >= (3, 10):
        yield MATCH
    if sys.version_info >= (3, 11):
        yield STARS
    for name in MODULES:
        with open(importlib.util.find_spec(name).origin, "rb") as f:
            yield f.read()


def sources(tops):
    for top in tops:
        for folder, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                if name.endswith(".py"):
                    with open(os.path.join(folder, name), "rb") as f:
                        yield f.read()


def code_objects(code):
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from code_objects(const)


def runs(values):
    """Equal neighbours together: 12, 12*3."""
    last, count = None, 0
    for value in values + [None]:
        if value == last:
            count += 1
            continue
        if count:
            yield f"{last}*{count}" if count > 1 else str(last)
        last, count = value, 1


def dump(code):
    table = code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab
    lines = [addr2line(code, offset) for offset in range(0, len(code.co_code), 2)]
    print("code", code.co_firstlineno, table.hex() or "-")
    print("lines", *runs(lines))


def main():
    warnings.simplefilter("ignore")
    print("python {:02x}{:02x}".format(*sys.version_info[:2]))
    refused = 0
    for text in sources(sys.argv[1:]) if sys.argv[1:] else samples():
        try:
            code = compile(text, "sample", "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            refused += 1
            continue
        for each in code_objects(code):
            dump(each)
    if refused:
        print(refused, "files do not compile", file=sys.stderr)
        if not sys.argv[1:]:
            sys.exit(1)


if __name__ == "__main__":
    main()
