# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A child of multiprocessing closes a number that it was lent, and what it made of it.
# Whether its object is known depends on how soon after the fork it is made.
# @expect {"kind": "owned_close", "type": "pipe", "fd": "fd", "ownership": "on", "culprit": "bad",
#   "bad": "work@closed", "inherited": ["opened"], "count": "maybe"}
# @expect {"kind": "double_close", "type": "pipe", "fd": "fd", "culprit": "unknown|closed", "bad":
#   "work@bad", "closed": "work@closed", "inherited": ["opened"]}
import multiprocessing
import os

from simlib import say, wait_for_tracer


def work(fd):
    file = open(fd, "wb")
    os.close(fd)  # <closed>
    try:
        file.close()  # <bad>
    except OSError:
        pass


wait_for_tracer()
reader, writer = os.pipe()
say(fd=writer)
child = multiprocessing.get_context("fork").Process(target=work, args=(writer,))
child.start()
child.join()
os.close(reader)
os.close(writer)
