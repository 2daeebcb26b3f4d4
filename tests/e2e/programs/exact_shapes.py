# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""More shapes of stacks for exact.py: methods that have no call, what the library calls back,
newer syntax, names."""
import collections
import copy
import json
import os
import pickle
import sys


def null():
    return os.open("/dev/null", os.O_RDONLY)


def close():
    os.close(null())


class Magic:
    @property
    def value(self):
        return os.close(null())

    @staticmethod
    def static():
        close()

    @classmethod
    def of_class(cls):
        close()

    def __getattr__(self, name):
        close()
        return name

    def __setattr__(self, name, value):
        close()

    def __getitem__(self, key):
        return os.close(null())

    def __add__(self, other):
        close()
        return self

    def __eq__(self, other):
        os.close(null())
        return True

    def __hash__(self):
        close()
        return 1

    def __bool__(self):
        close()
        return True

    def __call__(self):
        close()

    def __iter__(self):
        close()
        return iter(())

    def __enter__(self):
        close()

    def __exit__(self, *exc):
        os.close(null())
        return True

    def __repr__(self):
        close()
        return "magic"


def magic():
    m = Magic()
    m.value
    m.static()
    m.of_class()
    m.missing
    m.x = 1
    m[1]
    m + m
    m == m
    {m: m}[m]
    if m:
        m()
    list(m)
    f"{m} {m!r}"
    with m:
        close()
        raise ValueError
    with m, m:
        close()


class Copied:
    def __deepcopy__(self, memo):
        os.close(null())
        return self

    def __reduce__(self):
        close()
        return Copied, ()

    def __init_subclass__(cls, **keywords):
        close()

    def __class_getitem__(cls, item):
        close()
        return cls

    def __format__(self, spec):
        close()
        return spec

    def __index__(self):
        close()
        return 1

    def __length_hint__(self):
        close()
        return 1

    def __next__(self):
        os.close(null())
        raise StopIteration

    def __iter__(self):
        return self

    def __set_name__(self, owner, name):
        close()

    def __get__(self, instance, owner):
        close()
        return self


def by_the_library():
    copy.deepcopy([Copied()])
    pickle.loads(pickle.dumps({"one": Copied()}))
    json.loads('{"a": {"b": 1}}', object_hook=lambda d: close() or d)
    f"{Copied():>3}"
    [1, 2][Copied()]
    list(Copied())
    {**{"a": 1}, **dict(b=close())}
    str.join(",", (close() or "x" for _ in range(2)))
    any(close() for _ in range(2))
    collections.OrderedDict(sorted({2: 0, 1: 0}.items(), key=lambda i: close() or i))
    collections.namedtuple("N", "a b")._make([close(), close()])
    type("Owner", (), {"x": Copied()})().x
    if sys.version_info >= (3, 7):
        Copied[int]
    print(file=type("File", (), {"write": lambda self, text: close()})())


NEWER = {
    (3, 8): """
def walrus(a, /, *, b=0):
    if (fd := null()) and os.close(fd):
        pass
walrus(1)
""",
    (3, 10): """
def matching(command):
    match command:
        case [1, x] if close():
            pass
        case {"a": x}:
            close()
        case _:
            os.close(null())
matching([1, 2]), matching({"a": 1}), matching(None)
with (open("/dev/null") as a, open("/dev/null") as b):
    close()
""",
    (3, 11): """
def groups():
    try:
        raise ExceptionGroup("g", [ValueError(), KeyError()])
    except* ValueError:
        close()
    except* KeyError:
        os.close(null())
groups()
""",
    (3, 12): """
def generic[T](x: T) -> T:
    close()
    return [y for y in [x] if not close()]
type Alias[T] = [close(), T]
generic(1), Alias.__value__
""",
}


def newer_syntax():
    for version, source in NEWER.items():
        if sys.version_info >= version:
            exec(compile(source, f"<newer {version}>", "exec"), globals())


def names():
    exec("def größe():\n    close()\ngröße()", globals())
    exec(compile("def 名前(): close()\n\n名前()", "日本.py", "exec"), globals())
    exec(compile("def 𠀀(): close()\n𠀀()", "\U0001f40d.py", "exec"), globals())
    exec(compile("def %s(): close()\n%s()" % (("n" * 600,) * 2), "d/" * 400, "exec"), globals())
    exec(compile("close()", "/" + "p" * 4094, "exec"), globals())
    exec(compile("close()", "/" + "\u00f6" * 2047, "exec"), globals())
    exec(compile("close()", "/" + "\u8def" * 1365, "exec"), globals())
    exec(compile("close()", "/" + "\U0001f40d" * 1023, "exec"), globals())
    exec(compile("close()", "undecodable\udcff", "exec"), globals())
