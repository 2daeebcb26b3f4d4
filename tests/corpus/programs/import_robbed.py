# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A stale number is closed while an import reads its source: the import fails.

truth(method): reused_close proven
truth(function): reused_close likely
"""
import importlib.machinery
import importlib.util
import os
import tempfile

from proof import FORM, begin, took

between = []


class Loader(importlib.machinery.SourceFileLoader):
    """Reads as the library's does, and lets somebody act meanwhile."""

    def get_data(self, path):
        with open(path, "rb") as file:  # VICTIM
            between.append(file.fileno())
            pipe.close() if FORM == "method" else second_close(pipe.r)  # culprit(method)
            return file.read()

    def path_stats(self, path):
        raise OSError


class Pipe:
    def __init__(self):
        self.r, self.w = os.pipe()  # OPENED

    def close(self):
        os.close(self.r)  # FIRST CULPRIT(method)


def second_close(number):
    os.close(number)  # CULPRIT(function)


begin()
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "robbed.py")
    with open(path, "w") as file:
        file.write("here = 1\n")
    pipe = Pipe()
    pipe.close()  # first
    spec = importlib.util.spec_from_file_location("robbed", path, loader=Loader("robbed", path))
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        raise SystemExit("the import did not fail")
    except OSError:
        pass
    assert between == [pipe.r]
