# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Closes from every shape of Python stack, for test_exact.py: each close is a sample.

Python 3.8 syntax; newer syntax is compiled at run time where the version has it.
"""
import asyncio
import atexit
import contextlib
import ctypes
import functools
import gc
import os
import re
import signal
import sys
import threading
import unicodedata  # noqa: F401
import weakref

from simlib import wait_for_tracer


def null():
    return os.open("/dev/null", os.O_RDONLY)


def close():
    os.close(null())


def close_twice():
    fd = null()
    os.close(fd)
    with contextlib.suppress(OSError):
        os.close(fd)


# --- functions, classes, what calls them ---


def generators():
    def inner():
        close()
        yield
        os.close(null())
        try:
            yield
        finally:
            close()

    def outer():
        result = yield from inner()
        close()
        return result

    numbers = outer()
    for _ in numbers:
        close()
        break
    numbers.send(None)
    numbers.close()
    sum(os.close(null()) or 1 for _ in range(3))
    next(outer())  # dies at once: GeneratorExit in inner


def comprehensions():
    [os.close(null()) for _ in range(2)]
    {os.close(null()) for _ in range(2)}
    {i: os.close(null()) for i in range(2)}
    [[os.close(fd) for fd in fds] for fds in [[null()], [null(), null()]]]
    [
        os.close(
            fd
        )
        for fd
        in [null()]
    ]


def lambdas():
    (lambda: os.close(null()))()
    (lambda f: f(lambda: close()))(lambda g: g())


def decorated(count):
    def decorator(function):
        close()

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            os.close(null())
            return function(*args, **kwargs)

        return wrapper

    return decorator if count == 1 else lambda f: decorator(decorated(count - 1)(f))


@decorated(3)
def with_decorators():
    close()


def class_bodies():
    class Meta(type):
        def __new__(mcs, *args):
            close()
            return super().__new__(mcs, *args)

        def __call__(cls):
            os.close(null())
            return super().__call__()

    class Outer(metaclass=Meta):
        os.close(null())

        class Inner:
            close()
            x = [os.close(null()) for _ in range(2)]

        def __init__(self):
            close()

        def __init_subclass__(cls):
            close()

    class Derived(Outer):
        pass

    Outer()
    Derived()


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


# --- exceptions, statements over several lines ---


def exceptions():
    try:
        try:
            close()
            raise KeyError("one")
        except KeyError:
            os.close(null())
            raise ValueError from None
        finally:
            close()
    except ValueError as error:
        close()
        del error
    else:
        raise AssertionError
    finally:
        os.close(
            null()
        )
    for _ in range(2):
        try:
            continue
        finally:
            close()


def lines():
    os.close(
        os.dup(
            os.open(
                "/dev/null",
                os.O_RDONLY,
            )
        )
    )
    (
        os
        .close
        (null())
    )
    x = (1,
         os.close(null()),
         2); close(); os.close(null())
    y = [
        close() if x else None,
        x and
        close() or
        os.close(null()),
    ]
    assert y, close()
    while True:
        close()
        if close() is None: break
    return \
        close()


# --- finalizers, the collector, weak references ---


class Dies:
    def __init__(self):
        self.fd = null()

    def __del__(self):
        os.close(self.fd)


def finalizers():
    Dies()
    dies = Dies()
    del dies
    dies = [Dies() for _ in range(3)]
    dies.clear()
    dies = Dies()
    dies = None
    file = open("/dev/null")
    os.close(file.fileno())
    with contextlib.suppress(OSError):
        file.close()
    cycle = Dies()
    cycle.me = cycle
    del cycle
    gc.collect()
    local = Dies()  # noqa: F841: dies with this function's frame


def weak_references():
    class Thing:
        pass

    thing = Thing()
    reference = weakref.ref(thing, lambda _: close())
    weakref.finalize(thing, close)
    del thing
    assert reference() is None


# --- C code between Python frames ---


def callbacks():
    sorted([2, 1], key=lambda x: os.close(null()) or x)
    list(map(lambda x: close(), range(2)))
    list(filter(lambda x: close(), range(2)))
    functools.reduce(lambda a, b: close(), range(3))
    re.sub("a", lambda m: close() or "b", "aa")
    max(range(2), key=lambda x: close() or x)
    functools.partial(close)()
    functools.lru_cache()(close)()
    functools.singledispatch(lambda x: close())(1)
    type("T", (), {"__init__": lambda self: close()})()
    getattr(Magic(), "value")
    iter(lambda: close(), None).__next__ and None
    list(iter(lambda: close(), None))
    exec("close()")
    eval("close()")
    eval("(lambda: [close() for _ in range(2)])()")


def signals():
    signal.signal(signal.SIGUSR1, lambda *_: close())
    signal.raise_signal(signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR1)
    close()


# --- coroutines ---


async def agenerator():
    for _ in range(2):
        close()
        yield
        await asyncio.sleep(0)
        os.close(null())


class Context:
    async def __aenter__(self):
        close()

    async def __aexit__(self, *exc):
        await asyncio.sleep(0)
        close()


async def task(depth):
    close()
    await asyncio.sleep(0)
    if depth:
        await task(depth - 1)
    os.close(null())


async def amain():
    await asyncio.gather(*(task(depth) for depth in range(4)))
    async for _ in agenerator():
        close()
    async with Context():
        close()
    [close() async for _ in agenerator()]
    asyncio.get_running_loop().call_soon(close)
    await asyncio.sleep(0)
    await asyncio.wait_for(task(1), 10)


def coroutines():
    asyncio.run(amain())
    lone = task(0)
    lone.send(None)
    lone.close()


# --- threads ---


def thread_main(depth):
    close()
    if depth:
        thread_main(depth - 1)
    [close() for _ in range(3)]


def threads():
    every = [threading.Thread(target=thread_main, args=(depth,)) for depth in range(6)]
    every += [threading.Timer(0, lambda: close())]
    for thread in every:
        thread.start()
    for thread in every:
        thread.join()


# --- tracing, depth, heat ---


def traced():
    def tracer(frame, event, arg):
        os.close(null())
        return tracer

    sys.settrace(tracer)
    close()
    [x for x in range(2)]
    sys.settrace(None)
    sys.setprofile(lambda *_: None)
    close()
    sys.setprofile(None)


def deep(depth):
    if depth:
        return deep(depth - 1)
    close()


def deep_generator(depth):
    if depth:
        yield from deep_generator(depth - 1)
    else:
        yield close()


def depths():
    for depth in (1, 20, 60, 90):
        deep(depth)
        list(deep_generator(depth))
    deep(150)


class Hot:
    def __init__(self):
        close()

    def method(self, fd):
        os.close(fd)

    @property
    def value(self):
        close()

    def __getitem__(self, key):
        close()


def hot():
    """More than enough turns for every version to specialise what it runs."""
    things = Hot(), Hot()
    for i in range(150):
        close()
        things[i % 2].method(null())
        things[i % 2].value
        things[i % 2][i]
        Hot()
        os.close(null())
        for fd in [null()]:
            os.close(fd)


def throw_away():
    """Each function dies before the next is made: addresses are used again."""
    for i in range(500):
        scope = {"os": os, "null": null}
        exec(f"def f{i}():\n{chr(10) * (i % 7)}    os.close(null())\n", scope)
        scope[f"f{i}"]()


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


def main():
    for part in (
        generators, comprehensions, lambdas, with_decorators, class_bodies, magic, exceptions,
        lines, finalizers, weak_references, callbacks, signals, coroutines, threads, traced,
        depths, hot, throw_away, newer_syntax, names, close_twice,
    ):
        part()


# What would be loaded late, and closed by ld.so, which the log does not see: unicodedata by the
# compiler for names beyond ASCII, libgcc_s by the end of a thread, what asyncio imports.
ctypes.CDLL("libgcc_s.so.1")
asyncio.new_event_loop().close()
wait_for_tracer()
atexit.register(close)
kept = Dies(), open("/dev/null")  # die at shutdown
main()
