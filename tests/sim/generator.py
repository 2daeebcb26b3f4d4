# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A generator that is closed early, and one that it delegates to, in the stack.
# @expect {"kind": "double_close", "type": "pipe", "fd": "fd", "bad": "inner@bad <
#   outer@delegate < main@resume", "closed": "inner@closed < outer@delegate < main@start",
#   "opened": "main@opened"}
import os

from simlib import say, wait_for_tracer


def inner(fd):
    os.close(fd)  # <closed>
    yield 1
    try:
        os.close(fd)  # <bad>
    except OSError:
        pass
    yield 2


def outer(fd):
    yield from inner(fd)  # <delegate>


def main():
    reader, writer = os.pipe()  # <opened>
    say(fd=reader)
    numbers = outer(reader)
    next(numbers)  # <start>
    next(numbers)  # <resume>
    os.close(writer)


wait_for_tracer()
main()
