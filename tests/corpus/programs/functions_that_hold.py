# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""No class at all: the number is in a generator, a closure, a partial, a coroutine.

truth(generator): double_close proven
truth(generator_file): reused_close proven
truth(closure): double_close likely
truth(closure_file): reused_close likely
truth(partial): double_close likely
truth(partial_file): reused_close likely
truth(coroutine): double_close proven
truth(asyncgen): double_close proven
truth(lambda): double_close likely
"""
import functools
import os

from proof import FORM, begin, fails, took


def generator():
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(generator,generator_file)
    try:
        yield fd
        os.close(fd)  # FIRST(generator,generator_file)
        yield fd
    finally:
        os.close(fd)  # CULPRIT(generator,generator_file)


def run_generator():
    running = generator()
    fd = next(running)
    next(running)
    if FORM == "generator":
        with fails():
            running.close()
        return
    with open(__file__) as victim:  # VICTIM(generator_file)
        took(victim, fd)
        running.close()
        with fails():
            victim.close()


def closure():
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(closure,closure_file)

    def close():
        os.close(fd)  # FIRST(closure,closure_file) CULPRIT(closure,closure_file)
    return close


def make():
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(partial,partial_file,lambda)
    return functools.partial(os.close, fd) if FORM != "lambda" else lambda: os.close(fd)  # FIRST(lambda) CULPRIT(lambda)


def run_twice(close):
    close()  # FIRST(partial,partial_file) first(closure,closure_file)
    if FORM.endswith("_file"):
        with open(__file__) as victim:  # VICTIM(closure_file,partial_file)
            close()  # CULPRIT(partial_file) culprit(closure_file)
            with fails():
                victim.close()
        return
    with fails():
        close()  # CULPRIT(partial) culprit(closure)


async def coroutine():
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(coroutine)
    os.close(fd)  # FIRST(coroutine)
    with fails():
        os.close(fd)  # CULPRIT(coroutine)


async def asyncgen():
    fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(asyncgen)
    try:
        yield fd
        os.close(fd)  # FIRST(asyncgen)
    finally:
        with fails():
            os.close(fd)  # CULPRIT(asyncgen)


async def drain():
    async for _ in asyncgen():
        pass


def drive(awaitable):
    try:
        awaitable.send(None)
        raise SystemExit("it goes on")
    except StopIteration:
        pass


begin()
if FORM.startswith("generator"):
    run_generator()
elif FORM.startswith("closure"):
    run_twice(closure())
elif FORM in ("coroutine", "asyncgen"):
    drive(coroutine() if FORM == "coroutine" else drain())
else:
    run_twice(make())
