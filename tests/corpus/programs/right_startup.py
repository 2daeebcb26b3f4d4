# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Pythons that are started without standard streams: CPython asks at its start which there are.

truth(stdin): none
truth(all): none
truth(low): none
truth(multiprocessing): none
"""
import os
import subprocess
import sys

from proof import FORM, begin


def shell(line):
    assert subprocess.call(["sh", "-c", line, "sh", sys.executable]) == 0


def stdin():
    shell('exec "$1" -c "import sys; assert sys.stdin is None" <&-')


def every():
    shell('exec "$1" -c "import sys; assert sys.stdout is None" <&- >&- 2>&-')


def low():
    """What it opens gets the numbers of the standard streams."""
    shell('exec "$1" -c "import os; f = open(os.devnull); assert f.fileno() == 0; f.close()" <&-')


def spawned():
    """multiprocessing's spawn and forkserver are such, now and then."""
    code = ("import multiprocessing as m\nif __name__ == '__main__':\n"
            "    with m.get_context('spawn').Pool(1) as pool: assert pool.map(abs, [-1]) == [1]\n")
    path = os.path.join("/tmp", "corpus-%d.py" % os.getpid())
    with open(path, "w") as file:
        file.write(code)
    try:
        assert subprocess.call([sys.executable, path]) == 0
    finally:
        os.unlink(path)


begin()
{"all": every, "multiprocessing": spawned}.get(FORM, globals().get(FORM))()
