# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One object's second close takes what somebody else has: one form for each kind of victim.

truth(tcp): reused_close proven
truth(accepted): reused_close proven
truth(epoll): reused_close proven
truth(sqlite): reused_close likely
truth(pipe): reused_close likely
truth(eventfd): reused_close likely
truth(connection): reused_close likely
truth(tempfile): reused_close proven
truth(popen): reused_close proven
truth(ssl): reused_close proven
truth(mmap): reused_close likely
truth(scandir): reused_close likely
truth(dup): reused_close likely
truth(selector): reused_close proven
truth(thread): reused_close proven
"""
import mmap
import multiprocessing
import os
import select
import selectors
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading

from proof import FORM, begin, gone, skip


class Owner:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def done(self):
        os.close(self.fd)  # FIRST CULPRIT


server = socket.create_server(("127.0.0.1", 0))
context = ssl.create_default_context()
context.check_hostname = False
context.wrap_socket(socket.socket(), do_handshake_on_connect=False).close()
zero = open(sys.executable, "rb")
folder = tempfile.TemporaryDirectory()
if FORM == "eventfd" and not hasattr(os, "eventfd"):
    skip("os.eventfd() came with 3.10")


def tcp():
    return socket.socket()  # VICTIM(tcp)


def accepted():
    return server.accept()[0]  # VICTIM(accepted)


def epoll():
    return select.epoll()  # VICTIM(epoll)


def selector():
    return selectors.EpollSelector()  # VICTIM(selector)


def database():
    return sqlite3.connect(os.path.join(folder.name, "accounts.db"))  # VICTIM(sqlite)


def tls():
    return context.wrap_socket(socket.socket(), do_handshake_on_connect=False)  # VICTIM(ssl)


def child():
    return subprocess.Popen([sys.executable, "-S", "-c", ""], stdout=subprocess.PIPE)  # VICTIM(popen)


def in_thread():
    kept = []
    thread = threading.Thread(target=lambda: kept.append(socket.socket()))  # VICTIM(thread)
    thread.start()
    thread.join()
    return kept


makers = {
    "tcp": tcp, "accepted": accepted, "epoll": epoll, "selector": selector, "sqlite": database,
    "ssl": tls, "popen": child, "thread": in_thread,
    "pipe": os.pipe,
    "eventfd": lambda: os.eventfd(0),  # VICTIM(eventfd)
    "connection": multiprocessing.Pipe,
    "tempfile": lambda: tempfile.TemporaryFile(),  # VICTIM(tempfile)
    "mmap": lambda: mmap.mmap(zero.fileno(), 4096, access=mmap.ACCESS_READ),  # VICTIM(mmap)
    "scandir": lambda: os.scandir("/"),  # VICTIM(scandir)
    "dup": lambda: os.dup(1),  # VICTIM(dup)
}
client = socket.create_connection(server.getsockname())


def main():
    owner = Owner()
    owner.done()  # first
    victim = makers[FORM]()
    if FORM == "popen":
        victim.wait()
    taken = os.readlink("/proc/self/fd/%d" % owner.fd)
    assert taken != "/dev/null"
    owner.done()  # culprit
    gone(owner.fd)
    return victim


begin()
victim = main()
os._exit(0)
