# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A pool's connections: one is released twice, and its socket's number is another connection's.

truth(right): none
truth(detached): reused_close proven
truth(raw): reused_close likely
truth(returned): double_close proven
truth(close_all): reused_close likely
"""
import os
import socket

from proof import FORM, begin, fails, took

listener = socket.create_server(("127.0.0.1", 0))


class Connection:
    """Keeps the bare number of its socket."""

    def __init__(self):
        self.fd = socket.create_connection(listener.getsockname()).detach()  # OPENED VICTIM(raw,close_all)

    def disconnect(self):
        os.close(self.fd)  # FIRST CULPRIT


class Pool:
    def __init__(self):
        self.idle = []

    def get(self):
        return self.idle.pop() if self.idle else Connection()

    def put(self, connection):
        self.idle.append(connection)

    def close(self):
        for connection in self.idle:
            try:
                connection.disconnect()  # culprit(close_all,returned)
            except OSError:
                assert FORM == "returned"
        self.idle = []


def main():
    pool = Pool()
    one = pool.get()
    if FORM == "right":
        pool.put(one)
        assert pool.get() is one
        pool.put(one)
        return pool.close()
    one.disconnect()  # first
    if FORM == "returned":
        pool.put(one)
        return pool.close()
    if FORM == "detached":
        victim = took(socket.socket(), one.fd)  # VICTIM(detached)
        one.disconnect()  # culprit(detached)
        with fails():
            victim.close()
        return None
    other = Connection()
    took(other.fd, one.fd)
    if FORM == "close_all":
        pool.put(one)
        pool.close()
    else:
        one.disconnect()  # culprit(raw)
    with fails():
        other.disconnect()
    return None


begin()
main()
