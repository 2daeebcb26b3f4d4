# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""receivers.py TURNS: closes from functions of every kind, each of a number of its own, and who each
was called on: lines of number, kind, who the closing function was called on, and who its caller.

A receiver is the id() of an object, "-" for none, "?" and an id() where there is that or none (it lies
in a cell), "*" where anything may be. Python 3.6 syntax.
"""
import asyncio
import collections
import contextlib
import functools
import gc
import os
import sys
import threading

from simlib import wait_for_tracer

FIRST = 1000000  # no number is so high: each close fails, and is reported
QUIET = contextlib.suppress(OSError)
NO_FRAMES = sys.version_info >= (3, 12)  # comprehensions have none of their own
lines = []


def number(kind, inner="-", outer="-"):
    """Notes who it will be, and gives the number to close."""
    lines.append((kind, inner if isinstance(inner, str) else str(id(inner)),
                  outer if isinstance(outer, str) else str(id(outer))))
    return FIRST + len(lines) - 1


def cell(receiver):
    return "?%d" % id(receiver)


def helper(fd):
    with QUIET:
        os.close(fd)


def any_helper(fd=None, *rest):
    with QUIET:
        os.close(fd)


def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def method_decorated(function):
    @functools.wraps(function)
    def wrapper(self, *args):
        return function(self, *args)

    return wrapper


class Base(object):
    def __init__(self, kind="init"):
        self.kind = kind
        with QUIET:
            os.close(number(kind, self, "*"))

    def inherited(self):
        with QUIET:
            os.close(number("inherited", self, "*"))


class Holder(Base):
    def __init__(self):
        super(Holder, self).__init__("base init")

    def plain(self):
        with QUIET:
            os.close(number("plain", self))

    def inherited(self):
        super(Holder, self).inherited()
        with QUIET:
            os.close(number("override", self))

    def many(self, a, b=2, *args, c, d=4, **kwargs):
        with QUIET:
            os.close(number("many arguments", self))

    @classmethod
    def of_class(cls, other):
        with QUIET:
            os.close(number("class method"))

    @staticmethod
    def static(receiver):
        with QUIET:
            os.close(number("static method", receiver))

    @staticmethod
    def static_number(count):
        with QUIET:
            os.close(number("static method of a number"))

    @staticmethod
    def keyword(*, receiver):
        with QUIET:
            os.close(number("keyword", receiver))

    def collected(*args):
        with QUIET:
            os.close(number("*args"))

    @staticmethod
    def keywords(**kwargs):
        with QUIET:
            os.close(number("**kwargs"))

    @property
    def value(self):
        with QUIET:
            os.close(number("property", self))

    @value.setter
    def value(self, value):
        with QUIET:
            os.close(number("property set", self))

    def __getattr__(self, name):
        with QUIET:
            os.close(number("__getattr__", self))

    def __enter__(self):
        with QUIET:
            os.close(number("__enter__", self))

    def __exit__(self, *error):
        with QUIET:
            os.close(number("__exit__", self))

    def __call__(self):
        with QUIET:
            os.close(number("__call__", self))

    def __lt__(self, other):
        with QUIET:
            os.close(number("__lt__", self))
        return False

    def __len__(self):
        with QUIET:
            os.close(number("__len__", self))
        return 0

    @decorated
    def wrapped(self):
        with QUIET:
            os.close(number("decorated", self))

    @method_decorated
    def method_wrapped(self):
        with QUIET:
            os.close(number("decorated method", self, "*"))

    def helped(self):
        helper(number("helper", "-", self))

    def helped_twice(self):
        any_helper(number("helper with more", "-", self))

    def generate(self):
        with QUIET:
            os.close(number("generator", self))
        yield 1
        with QUIET:
            os.close(number("generator, resumed", self))
        yield 2

    def delegate(self):
        yield from self.generate_inner()

    def generate_inner(self):
        with QUIET:
            os.close(number("inner generator", self, self))
        yield 1

    async def coroutine(self):
        with QUIET:
            os.close(number("coroutine", self, "*"))
        await asyncio.sleep(0)
        with QUIET:
            os.close(number("coroutine, resumed", self, "*"))

    async def awaiting(self):
        await self.awaited()

    async def awaited(self):
        with QUIET:
            os.close(number("awaited", self, self))

    async def asynchronous(self):
        with QUIET:
            os.close(number("asynchronous generator", self, "*"))
        yield 1

    def captured(self):
        def inner():
            return self

        with QUIET:
            os.close(number("captured", cell(self)))
        return inner

    def in_closure(self):
        def inner():
            with QUIET:
                os.close(number("closure", "-", cell(self)))

        inner()

    def in_lambda(self):
        (lambda fd: helper(fd))(number("two helpers", "-", "-"))

    def comprehends(self):
        seen = (self, "-") if NO_FRAMES else ("-", self)
        with QUIET:
            return [os.close(fd) for fd in [number("comprehension", *seen)]]

    def expression(self):
        with QUIET:
            return list(os.close(fd) for fd in [number("generator expression", "-", self)])

    def rebound(self, other):
        self = other
        with QUIET:
            os.close(number("rebound", self))

    def deleted(self):
        del self
        with QUIET:
            os.close(number("deleted"))

    def caught(self):
        try:
            raise KeyError(self)
        except KeyError:
            try:
                os.close(number("handler", self))
            except OSError:
                with QUIET:
                    os.close(number("handler of a handler", self))

    def recursive(self, depth):
        if depth:
            return self.recursive(depth - 1)
        with QUIET:
            os.close(number("recursive", self, self))

    def of_exec(self):
        exec("with QUIET:\n    os.close(number('exec', '-', self))", globals(), {"self": self})

    def in_class_body(self):
        fd = number("class body", "-", "*")

        class Body(object):
            with QUIET:
                os.close(fd)

    def __del__(self):
        with QUIET:
            os.close(number("__del__", self, "*"))


class Text(str):
    def close(self):
        with QUIET:
            os.close(number("text"))


class Number(int):
    def close(self):
        with QUIET:
            os.close(number("number"))


class Record(collections.namedtuple("Record", "fd")):
    def close(self):
        with QUIET:
            os.close(number("named tuple", self))


class Items(list):
    def close(self):
        with QUIET:
            os.close(number("list", self))


class Meta(type):
    def close(cls):
        with QUIET:
            os.close(number("class of a metaclass"))


Class = Meta("Class", (object,), {})


class function(object):
    """Its name is that of one of the interpreter's own types."""

    def close(self):
        with QUIET:
            os.close(number("class named function", self))


def takes(value, receiver="-"):
    with QUIET:
        os.close(number("takes", receiver))


def no_argument():
    first = object()
    with QUIET:
        os.close(number("no argument"))
    return first


def methods():
    holder, other = Holder(), Holder()
    holder.plain()
    holder.inherited()
    holder.many(1, c=3, e=5)
    Holder.of_class(holder)
    Holder.static(holder)
    Holder.static_number(5)
    Holder.keyword(receiver=holder)
    holder.collected(1)
    Holder.keywords(receiver=holder)
    holder.value
    holder.value = 1
    holder.missing
    with holder:
        pass
    holder()
    sorted([holder, other])
    len(holder)
    holder.wrapped()
    holder.method_wrapped()
    holder.helped()
    holder.helped_twice()
    holder.captured()
    holder.in_closure()
    holder.in_lambda()
    holder.comprehends()
    holder.expression()
    holder.rebound(other)
    holder.deleted()
    holder.caught()
    holder.recursive(40)
    holder.of_exec()
    holder.in_class_body()
    functools.partial(Holder.static, holder)()
    list(map(Holder.static, [holder, other]))


def generators():
    holder = Holder()
    list(holder.generate())
    list(holder.delegate())
    suspended = holder.generate()
    next(suspended)


async def awaits():
    holder = Holder()
    await asyncio.gather(holder.coroutine(), Holder().coroutine())
    await holder.awaiting()
    async for _ in holder.asynchronous():
        pass


def coroutines():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(awaits())
    loop.close()


def others():
    Text("text").close()
    Number(5).close()
    Record(5).close()
    Items().close()
    Class.close()
    function().close()
    for value in (None, 1.5, (), Holder, no_argument, gc, 7):
        takes(value)
    no_argument()
    (lambda fd: helper(fd))(number("lambda"))


def cycles():
    holder = Holder()
    holder.myself = holder
    del holder
    gc.collect()


class Worker(threading.Thread):
    def run(self):
        with QUIET:
            os.close(number("thread", self, self))


def main():
    wait_for_tracer()
    for _ in range(int(sys.argv[1])):
        for run in (methods, generators, coroutines, others, cycles):
            run()
        workers = [Worker() for _ in range(2)]
        for worker in workers:
            worker.start()
            worker.join()
    for at, line in enumerate(lines):
        print(FIRST + at, line[1], line[2], line[0])


if __name__ == "__main__":
    main()
