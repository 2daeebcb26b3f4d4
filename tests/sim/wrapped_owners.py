# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Objects of classes of the library and of the program's own, whose numbers are rightly closed, and
# closed behind their backs: the report names the class that the program knows.
# @expect {"kind": "owned_close", "fd": "tls", "type": "socket", "ownership": "on", "culprit": "bad",
#   "owner": "_socket.socket", "class": "SSLSocket", "bad": "thief@bad < main@tls"}
# @expect {"kind": "owned_close", "fd": "temporary", "type": "file", "ownership": "on", "culprit":
#   "bad", "owner": "_io.FileIO", "class": "FileIO", "bad": "thief@bad < main@temporary"}
# @expect {"kind": "owned_close", "fd": "path", "type": "file", "ownership": "on", "culprit":
#   "bad", "owner": "_io.FileIO", "class": "FileIO", "bad": "thief@bad < main@path"}
# @expect {"kind": "owned_close", "fd": "raw", "type": "file", "ownership": "on", "culprit":
#   "bad", "owner": "_io.FileIO", "class": "Raw", "bad": "thief@bad < main@raw", "opened":
#   "Raw.make@make"}
# @expect {"kind": "owned_close", "fd": "client", "type": "socket", "ownership": "on", "culprit":
#   "bad", "owner": "_socket.socket", "class": "Client", "bad": "thief@bad < main@client"}
# @expect {"kind": "double_close", "fd": "connection", "culprit": "unknown|closed", "bad":
#   "main@again", "closed": "thief@bad < main@connection"}
import io
import multiprocessing
import os
import pathlib
import socket
import ssl
import tempfile

from simlib import say, wait_for_tracer


class Raw(io.FileIO):
    @classmethod
    def make(cls):
        return cls(__file__)  # <make>


class Client(socket.socket):
    def __init__(self, *args):
        super().__init__(*args)
        self.buffer = b""


context = ssl.create_default_context()
context.check_hostname = False


def tls():
    return context.wrap_socket(socket.socket(), do_handshake_on_connect=False)


def rightly():
    for make in (tls, tempfile.TemporaryFile, tempfile.NamedTemporaryFile,
                 pathlib.Path(__file__).open, Raw.make, Client):
        with make():
            pass
        make().close()
        make()  # its finalizer
    left, right = multiprocessing.Pipe()
    left.send(1)
    assert right.recv() == 1
    left.close()
    del right
    with tempfile.SpooledTemporaryFile(1) as spooled:
        spooled.write(b"more than one")
    left, right = socket.socketpair()
    inner = context.wrap_socket(left, do_handshake_on_connect=False)
    assert left.fileno() == -1  # its number is the other's now
    inner.close()
    os.close(right.detach())


def thief(owner):
    os.close(owner.fileno())  # <bad>


def main():
    kept = [tls(), tempfile.NamedTemporaryFile(), pathlib.Path(__file__).open("rb"), Raw.make(),
            Client()]
    connection, other = multiprocessing.Pipe()  # a number and no object of C code's
    say(connection=connection.fileno())
    thief(connection)  # <connection>
    try:
        connection.close()  # <again>
    except OSError:
        pass
    say(**dict(zip(("tls", "temporary", "path", "raw", "client"), (o.fileno() for o in kept))))
    thief(kept[0])  # <tls>
    thief(kept[1])  # <temporary>
    thief(kept[2])  # <path>
    thief(kept[3])  # <raw>
    thief(kept[4])  # <client>
    os.unlink(kept[1].name)
    os._exit(0)  # none of them closes anything any more


wait_for_tracer()
rightly()
main()
