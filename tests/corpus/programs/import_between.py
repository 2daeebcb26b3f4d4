# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A pipe is closed, an import borrows its number and gives it back, the pipe is closed again. The
import's file has nothing to do with it.

misleads: the last generation
truth(same): double_close proven
truth(functions): double_close likely
truth(object): double_close proven
"""
import importlib
import os
import sys
import tempfile

from proof import FORM, begin, fails, gone


def borrow():
    """Imports a module of its own."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "borrower_of_numbers.py"), "w") as file:
            file.write("here = 1\n")
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        assert importlib.import_module("borrower_of_numbers").here
        sys.path.remove(folder)


def first_close(end):
    os.close(end)  # FIRST(functions)


def second_close(end):
    with fails():
        os.close(end)  # CULPRIT(functions)


class Pipe:
    def __init__(self):
        self.r, self.w = os.pipe()  # OPENED(object)

    def close(self):
        os.close(self.r)  # FIRST(object) CULPRIT(object)


def objects():
    pipe = Pipe()
    pipe.close()  # first(object)
    borrow()
    gone(pipe.r)
    with fails():
        pipe.close()  # culprit(object)


def functions():
    r, w = os.pipe()  # OPENED(functions)
    first_close(r)
    borrow()
    gone(r)
    second_close(r)


def same():
    r, w = os.pipe()  # OPENED(same)
    os.close(r)  # FIRST(same)
    borrow()
    gone(r)
    with fails():
        os.close(r)  # CULPRIT(same)


begin()
{"same": same, "functions": functions, "object": objects}[FORM]()
