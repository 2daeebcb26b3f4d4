# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# An object opens a number and keeps it, bare, after its close: what it writes goes into the file that
# has the number by then, and no call fails. It is suspected alone, for the object may have been given
# the number since. A method that is given a number writes there by right, whatever its object keeps.
# @expect {"kind": "misdirected_io", "certainty": "suspected", "fd": "robbed", "ownership": "on",
#   "culprit": "closed", "calls": {"bad": "write"}, "bad": "Keeper.write@write", "closed": "steal@steal",
#   "opened": "Keeper.__init__@made", "victim": "victim@victim", "type": "file", "path": "/dev/null",
#   "advice": "drop the close at"}
# @expect {"kind": "misdirected_io", "certainty": "suspected", "fd": "closed", "ownership": "on", "culprit": "bad",
#   "calls": {"bad": "read"}, "bad": "Keeper.read@read", "closed": "Keeper.close@close",
#   "victim": "victim@victim", "advice": "forget the number"}
import os

from simlib import say, wait_for_tracer


class Keeper:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDWR)  # <made>

    def close(self):
        os.close(self.fd)  # <close>

    def write(self):
        os.write(self.fd, b"lost")  # <write>

    def read(self):
        os.read(self.fd, 4)  # <read>

    def log(self, fd, data):
        os.write(fd, data)


def steal(number):
    os.close(number)  # <steal>


def victim():
    return open("/dev/zero", "r+b", buffering=0)  # <victim>


def lose(close, keeper):
    close()
    mine = victim()
    assert mine.fileno() == keeper.fd
    kept.append((keeper, mine))
    return mine


def robbed():
    keeper = Keeper()
    say(robbed=keeper.fd)
    lose(lambda: steal(keeper.fd), keeper)
    keeper.write()


def closed():
    keeper = Keeper()
    say(closed=keeper.fd)
    lose(keeper.close, keeper)
    keeper.read()


def right():
    keeper = Keeper()
    mine = lose(keeper.close, keeper)
    keeper.log(mine.fileno(), b"mine")


kept = []
wait_for_tracer()
robbed()
closed()
right()
