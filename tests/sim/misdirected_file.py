# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A file object whose number was closed behind its back is used once another file has the number:
# what it writes goes in there, what it reads comes out of there, and no call fails. It is called
# straight from here, through a method that was taken from it, and through a buffer around it.
# @expect {"kind": "owned_close", "fd": "direct", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "owned_close", "fd": "method", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "owned_close", "fd": "into", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "owned_close", "fd": "buffered", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "owned_close", "fd": "reader", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "misdirected_io", "fd": "direct", "ownership": "on", "culprit": "closed",
#   "owner": "_io.FileIO", "calls": {"bad": "write"}, "bad": "direct@direct", "closed": "steal@steal",
#   "opened": "<module>@direct_made", "victim": "victim@victim", "type": "file", "path": "/dev/zero",
#   "origin": {"closed": "os.close"}, "advice": "Drop the os.close() at"}
# @expect {"kind": "misdirected_io", "fd": "method", "ownership": "on", "culprit": "closed",
#   "calls": {"bad": "write"}, "bad": "method@method", "closed": "steal@steal", "victim":
#   "victim@victim"}
# @expect {"kind": "misdirected_io", "fd": "into", "ownership": "on", "culprit": "closed",
#   "calls": {"bad": "read"}, "bad": "into@into", "closed": "steal@steal", "victim": "victim@victim"}
# @expect {"kind": "misdirected_io", "fd": "buffered", "ownership": "on", "culprit": "closed",
#   "calls": {"bad": "write"}, "bad": "buffered@buffered", "closed": "steal@steal", "victim":
#   "victim@victim", "min": "3.8"}
# @expect {"kind": "misdirected_io", "fd": "reader", "ownership": "on", "culprit": "closed",
#   "calls": {"bad": "read"}, "bad": "reader@reader", "closed": "steal@steal", "victim":
#   "victim@victim", "min": "3.8"}
import os
import tempfile

from simlib import say, wait_for_tracer


def steal(stale):
    os.close(stale.fileno())  # <steal>


def victim(path):
    return open(path, "r+b", buffering=0)  # <victim>


def rob(stale):
    path = os.path.join(folder, "accounts.db")
    with open(path, "wb") as file:
        file.write(b"head")
    number = stale.fileno()
    steal(stale)
    mine = victim(path)
    assert mine.fileno() == number
    kept.append((stale, mine))


def direct(stale):
    stale.write(b"lost")  # <direct>


def method(stale):
    write = stale.write
    write(bytearray(b"lost"))  # <method>


def into(stale):
    assert stale.readinto(bytearray(4)) == 4  # <into>


def buffered(stale):
    stale.write(b"lost")
    stale.flush()  # <buffered>


def reader(stale):
    assert stale.read(4) == b"head"  # <reader>


kept = []
wait_for_tracer()
with tempfile.TemporaryDirectory() as folder:
    stale = open("/dev/zero", "r+b", buffering=0)  # <direct_made>
    say(direct=stale.fileno())
    rob(stale)
    direct(stale)
    for use, mode, buffering in ((method, "r+b", 0), (into, "rb", 0), (buffered, "wb", -1),
                                 (reader, "rb", -1)):
        stale = open("/dev/zero", mode, buffering)
        say(**{use.__name__: stale.fileno()})
        rob(stale)
        use(stale)
os._exit(0)
