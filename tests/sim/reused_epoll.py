# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# An epoll object whose number was closed under it closes what a socket has got since: epoll objects
# never say anything.
# @expect {"kind": "owned_close", "fd": "fd", "type": "epoll", "ownership": "on", "culprit": "bad",
#   "owner": "select.epoll", "bad": "main@closed", "opened": "main@opened"}
# @expect {"kind": "reused_close", "fd": "fd", "type": "epoll", "ownership": "on", "culprit":
#   "closed", "owner": "select.epoll", "origin": {"bad": "finalizer"}, "bad": "main@bad", "closed":
#   "main@closed", "opened": "main@opened", "victim": "main@victim"}
# @expect {"kind": "double_close", "fd": "fd", "type": "socket", "ownership": "on", "culprit":
#   "unknown", "bad": "main@failed", "closed": "main@bad", "opened": "main@victim"}
# @expect {"kind": "reused_close", "certainty": "suspected", "fd": "fd", "type": "epoll",
#   "ownership": "off", "culprit": "bad", "bad": "main@bad", "closed": "main@closed", "opened":
#   "main@opened", "victim": "main@victim", "failed": "main@failed"}
import os
import select
import socket

from simlib import say, wait_for_tracer


def main():
    epoll = select.epoll()  # <opened>
    say(fd=epoll.fileno())
    os.close(epoll.fileno())  # <closed>
    other = socket.socket()  # <victim>
    assert other.fileno() == epoll.fileno()
    del epoll  # <bad>
    try:
        other.close()  # <failed>
    except OSError:
        pass


wait_for_tracer()
main()
