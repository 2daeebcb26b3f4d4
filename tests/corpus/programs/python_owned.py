# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Objects of the library that keep a bare number: no object of C code's owns it.

truth(connection): double_close likely
truth(mkstemp): double_close likely
truth(pty): double_close likely
truth(pipe): double_close proven
truth(scandir): double_close likely
truth(selector): use_after_close likely
truth(dirfd): use_after_close proven
truth(wakeup): use_after_close likely
"""
import multiprocessing
import os
import pty
import selectors
import tempfile

from proof import FORM, begin, fails


def thief(number):
    os.close(number)  # CULPRIT(connection) FIRST(mkstemp,pty,scandir,selector)


def connection():
    left, right = multiprocessing.Pipe()  # OPENED(connection)
    thief(left.fileno())
    with fails():
        left.close()


def mkstemp():
    """It gives a number and a name; the number is closed by who opened it, and by os.fdopen's user."""
    fd, path = tempfile.mkstemp()  # OPENED(mkstemp)
    thief(fd)
    os.unlink(path)
    with fails():
        os.close(fd)  # CULPRIT(mkstemp)


def terminal():
    leader, follower = pty.openpty()  # OPENED(pty)
    thief(follower)
    with fails():
        os.close(follower)  # CULPRIT(pty)
    os.close(leader)


def pipe():
    r, w = os.pipe()  # OPENED(pipe)
    os.close(r)  # FIRST(pipe)
    os.close(w)
    with fails():
        os.close(r)  # CULPRIT(pipe)


def scandir():
    fd = os.open("/", os.O_RDONLY)  # OPENED(scandir)
    with os.scandir(fd) as entries:  # it works with a copy
        assert next(entries)
    thief(fd)
    with fails():
        os.close(fd)  # CULPRIT(scandir)


def selector():
    """A selector is told of a number whose descriptor is gone."""
    r, w = os.pipe()  # OPENED(selector)
    with selectors.EpollSelector() as poller:
        thief(r)
        with fails():
            poller.register(r, selectors.EVENT_READ)  # CULPRIT(selector)


def dirfd():
    fd = os.open("/", os.O_RDONLY)  # OPENED(dirfd)
    os.close(fd)  # FIRST(dirfd)
    with fails():
        os.open("dev", os.O_RDONLY, dir_fd=fd)  # CULPRIT(dirfd)


def wakeup():
    import signal

    r, w = os.pipe()  # OPENED(wakeup)
    os.close(w)  # FIRST(wakeup)
    try:
        signal.set_wakeup_fd(w)  # CULPRIT(wakeup)
        raise SystemExit("a closed number was taken")
    except (OSError, ValueError):
        pass


begin()
{"pty": terminal}.get(FORM, globals().get(FORM))()
