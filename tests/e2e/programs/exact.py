# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Closes from every shape of Python stack, for test_exact.py: each close is a sample.

Python 3.6 syntax; newer syntax is compiled at run time where the version has it.
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
import traceback
import unicodedata  # noqa: F401
import weakref

from exact_shapes import Magic, by_the_library, magic, names, newer_syntax
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


def foreign():
    """Called by libc."""
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    numbers = (ctypes.c_int * 4)(3, 1, 4, 1)

    @compare
    def by_nothing(a, b):
        close()
        return 0

    ctypes.CDLL(None).qsort(numbers, 4, ctypes.sizeof(ctypes.c_int), by_nothing)


@contextlib.contextmanager
def managed():
    close()
    try:
        yield
    finally:
        os.close(null())


def managers():
    with managed(), managed():
        close()
    with contextlib.ExitStack() as stack:
        stack.callback(close)
        stack.enter_context(managed())
        stack.push(lambda *_: close())
    managed()(close)()


def keywords(*args, first, second=2, **rest):
    os.close(null())
    if rest:
        keywords(*args, first=first)


def closures():
    fds = [null()]

    def outer(fd):
        def inner(count):
            nonlocal fd
            if count:
                return inner(count - 1)
            os.close(fd)
            fd = -1

        return inner

    outer(fds.pop())(3)
    keywords(1, 2, first=3, other=4)
    keywords(**{"first": 1, "x": 2})


def collected():
    """The collector's own callbacks, and finalizers that run inside of it, in other threads."""
    def callback(phase, info):
        close()

    gc.callbacks.append(callback)
    gc.collect()
    gc.callbacks.remove(callback)

    def make():
        for _ in range(3):
            cycle = Dies()
            cycle.me = cycle
        del cycle
        gc.collect()

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    local = threading.local()

    def keep():
        local.dies = Dies()

    thread = threading.Thread(target=keep)
    thread.start()
    thread.join()


def signals():
    signal.signal(signal.SIGUSR1, lambda *_: close())
    if hasattr(signal, "raise_signal"):
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
    asyncio.get_event_loop().call_soon(close)
    await asyncio.sleep(0)
    await asyncio.wait_for(task(1), 10)


async def in_executor():
    await LOOP.run_in_executor(None, close)
    await asyncio.gather(*(LOOP.run_in_executor(None, lambda: close()) for _ in range(3)))


async def thrown():
    async def inner():
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            close()
            raise
        finally:
            os.close(null())

    one = asyncio.ensure_future(inner())
    await asyncio.sleep(0)
    one.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await one
    half = agenerator()
    await half.asend(None)
    close()
    await half.aclose()


def coroutines():
    for each in (amain, in_executor, thrown):
        LOOP.run_until_complete(each())
    if hasattr(asyncio, "run"):
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
    sys.setprofile(lambda frame, event, arg: event == "call" and os.close(null()))
    close()
    sys.setprofile(None)
    threading.settrace(tracer)
    thread = threading.Thread(target=thread_main, args=(2,))
    thread.start()
    thread.join()
    threading.settrace(None)


def monitored():
    monitoring = getattr(sys, "monitoring", None)
    if not monitoring:
        return
    monitoring.use_tool_id(3, "exact")
    events = monitoring.events
    monitoring.register_callback(3, events.PY_START, lambda *_: os.close(null()))
    monitoring.register_callback(3, events.LINE, lambda *_: os.close(null()))
    monitoring.set_events(3, events.PY_START | events.LINE)
    close()
    [x for x in range(2)]
    monitoring.set_events(3, 0)
    close()
    monitoring.free_tool_id(3)


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
    list(deep_generator(240))
    here = len(traceback.extract_stack())
    for frames in (511, 512, 513, 700):
        deep(frames - here - 2)


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


def main():
    for part in (
        generators, comprehensions, lambdas, with_decorators, class_bodies, magic, exceptions,
        lines, finalizers, weak_references, callbacks, foreign, by_the_library, managers,
        closures, collected, signals, coroutines, threads, traced, monitored, depths, hot, throw_away, newer_syntax, names, close_twice,
    ):
        part()


# What would be loaded late, and closed by ld.so, which the log does not see: unicodedata by the
# compiler for names beyond ASCII, libgcc_s by the end of a thread, what asyncio and its executor
# import, what libffi looks for when it makes its first callback.
with contextlib.suppress(OSError):  # musl ends its threads without
    ctypes.CDLL("libgcc_s.so.1")
LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(LOOP)
LOOP.run_until_complete(in_executor())
foreign()
by_the_library()
wait_for_tracer()
atexit.register(close)
kept = Dies(), open("/dev/null")  # die at shutdown
main()
