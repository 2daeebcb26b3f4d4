# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The number of an object that C code owns is closed behind its back, one form for each type.

truth(fileio): owned_close proven
truth(buffered): owned_close proven
truth(text): owned_close proven
truth(tcp): owned_close proven
truth(socketpair): owned_close proven
truth(epoll): owned_close proven
truth(fdopen): owned_close proven
truth(makefile): owned_close proven
truth(tempfile): owned_close proven
truth(named): owned_close proven
truth(popen): owned_close proven
truth(gzip): owned_close proven
truth(ssl): owned_close proven
truth(logging): owned_close proven
truth(dup2): owned_close proven
truth(closerange): owned_close proven
truth(tcp@attached): owned_close proven
"""
import gzip
import io
import logging
import os
import select
import socket
import ssl
import subprocess
import sys
import tempfile

from proof import FORM, begin, gone


def fileio():
    return io.FileIO("/dev/null")  # OPENED(fileio)


def buffered():
    return open("/dev/null", "rb")  # OPENED(buffered)


def text():
    return open("/dev/null")  # OPENED(text,dup2,closerange)


def tcp():
    return socket.create_server(("127.0.0.1", 0))  # OPENED(tcp)


def socketpair():
    return socket.socketpair()[0]  # OPENED(socketpair)


def epoll():
    return select.epoll()  # OPENED(epoll)


def fdopen():
    return os.fdopen(os.open("/dev/null", os.O_RDONLY))  # OPENED(fdopen)


def makefile():
    """The socket is closed, and lives on for its file."""
    made = socket.socketpair()[0]  # OPENED(makefile)
    file = made.makefile("rb")
    made.close()
    return file


def temporary():
    return tempfile.TemporaryFile()  # OPENED(tempfile)


def named():
    made = tempfile.NamedTemporaryFile()  # OPENED(named)
    return made


def popen():
    global child
    child = subprocess.Popen([sys.executable, "-S", "-c", ""], stdout=subprocess.PIPE)  # OPENED(popen)
    return child.stdout


def zipped():
    return gzip.open(os.__file__, "rb")  # OPENED(gzip)


def tls():
    context = ssl.create_default_context()
    context.check_hostname = False
    return context.wrap_socket(socket.socket(), do_handshake_on_connect=False)  # OPENED(ssl)


def handler():
    global log
    log = logging.FileHandler(os.devnull)  # OPENED(logging)
    return log.stream


def thief(number):
    if FORM == "dup2":
        os.dup2(1, number)  # CULPRIT(dup2)
    elif FORM == "closerange":
        os.closerange(number, number + 1)  # CULPRIT(closerange)
    else:
        os.close(number)  # CULPRIT


makers = {"tempfile": temporary, "gzip": zipped, "ssl": tls, "logging": handler, "dup2": text,
          "closerange": text}
begin()
owner = makers.get(FORM, globals().get(FORM))()
number = owner.fileno()
thief(number)
if FORM != "dup2":
    gone(number)
if FORM == "popen":
    child.wait()
if FORM == "named":
    os.unlink(owner.name)
os._exit(0)
