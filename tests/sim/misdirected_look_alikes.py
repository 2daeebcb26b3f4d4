# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Objects whose numbers were closed behind their backs, which nobody uses after that: whoever has the
# number by then reads and writes there by right, in many ways.
# @expect {"kind": "owned_close", "ownership": "on", "culprit": "bad", "bad": "steal@steal", "count":
#   "any"}
# @expect {"kind": "owned_close", "ownership": "on", "culprit": "bad", "bad": "files@lent"}
# @expect {"kind": "owned_close", "certainty": "suspected", "ownership": "on", "culprit": "bad",
#   "bad": "steal@steal", "count": "maybe", "max": "3.7"}
import ctypes
import io
import os
import pickle
import shutil
import socket
import tempfile
import threading
import time

from simlib import wait_for_tracer

libc = ctypes.CDLL(None)
data = b"rightly"


def steal(stale):
    stale.seekable() if isinstance(stale, io.IOBase) else stale.getsockname()
    os.close(stale.fileno())  # <steal>


def unbuffered(path):
    with open(path, "w+b", buffering=0) as mine:
        mine.write(data)
        mine.seek(0)
        mine.readinto(bytearray(4))
        mine.read()
        mine.readall()


def buffered(path):
    with open(path, "w+b") as mine:
        mine.write(data)
        mine.flush()
        mine.seek(0)
        mine.read()
    with open(path, "w") as mine:
        print("rightly", file=mine, flush=True)


def by_method(path):
    with open(path, "w+b", buffering=0) as mine:
        write = mine.write
        write(data)
        for _ in map(mine.write, [data]):
            pass
        pickle.dump(data, mine)
        with open(__file__, "rb", buffering=0) as source:
            shutil.copyfileobj(source, mine)


def bare(path):
    number = os.open(path, os.O_RDWR | os.O_CREAT)
    os.write(number, data)
    libc.write(number, data, len(data))
    os.lseek(number, 0, os.SEEK_SET)
    os.read(number, 4)
    with open(number, "wb", closefd=False) as lent:
        lent.write(data)
    with open(number, "wb", buffering=0, closefd=False) as lent:
        lent.write(data)
    os.close(number)


def beside(stale, data, path):
    """The stale object and the bytes lie side by side here: as local variables."""
    with open(path, "w+b", buffering=0) as mine:
        mine.write(data)
        write = mine.write
        write(data)
        libc.write(mine.fileno(), data, len(data))
        os.write(mine.fileno(), data)
    with open(path, "w+b") as mine:
        mine.write(data)


def lent_at_another_depth(stale, data, path):
    """Who has the number by right is not known, for it does not close it; and the stale object has
    written the same bytes before, from here."""
    number = os.open(path, os.O_RDWR | os.O_CREAT)
    assert number == stale.fileno()
    lent = open(number, "wb", buffering=0, closefd=False)
    lent.write(data)
    for _ in map(lent.write, [data]):
        pass
    pickle.dump(data, lent)
    lent = open(number, "wb", closefd=False)
    lent.write(data)
    lent.flush()
    print("rightly", file=open(number, "w", closefd=False), flush=True)
    os.close(number)


def whole(path):
    tempfile._get_default_tempdir()
    tempfile.TemporaryFile().close()


def files():
    for use in (unbuffered, buffered, by_method, bare, whole):
        stale = open("/dev/null", "r+b", buffering=0)
        steal(stale)
        use(path)
        kept.append((stale, os.open("/dev/null", os.O_RDONLY)))
    stale = open("/dev/null", "r+b", buffering=0)
    steal(stale)
    beside(stale, data, path)
    kept.append((stale, os.open("/dev/null", os.O_RDONLY)))
    stale = open("/dev/null", "r+b")
    print(1, 2, 3, 4, stale.raw.write(data), stale.write(data), stale.flush())
    os.close(stale.fileno())  # <lent>
    lent_at_another_depth(stale, data, path)
    kept.append((stale, os.open("/dev/null", os.O_RDONLY)))


def pair():
    mine, peer = socket.socketpair()
    mine.send(data)
    peer.sendall(data)
    mine.recv(9)
    peer.recv_into(bytearray(9))
    stream = mine.makefile("wb")
    stream.write(data)
    stream.flush()
    return mine, peer, stream


def bare_pair():
    ends = (ctypes.c_int * 2)()
    assert libc.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 0, ends) == 0
    libc.send(ends[0], data, len(data), 0)
    os.write(ends[0], data)
    libc.recv(ends[1], ctypes.create_string_buffer(9), 9, 0)
    return ends


def sockets():
    for use in (pair, bare_pair):
        stale = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        steal(stale)
        kept.append((stale, use()))


def waiting():
    """A call that waits for its own descriptor, which somebody takes meanwhile."""
    stale, peer = socket.socketpair()
    got = []
    thread = threading.Thread(target=lambda: got.append(stale.recv(9)))
    thread.start()
    time.sleep(0.3)
    steal(stale)
    mine = socket.socketpair()
    peer.send(data)
    thread.join()
    assert got == [data]
    kept.append((stale, peer, mine))


kept = []
path = os.path.join(tempfile.mkdtemp(), "file")
wait_for_tracer()
files()
sockets()
waiting()
saved = os.dup(1)
log = os.open(path, os.O_RDWR)
os.dup2(log, 1)  # what is printed goes there, on purpose
print("rightly", flush=True)
os.dup2(saved, 1)
os._exit(0)
