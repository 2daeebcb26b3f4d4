# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Two socket objects have one number: when both have closed it, a file that was opened in between is
# gone. No call but those of objects closed anything, and none fails until the file is used.
# @expect {"kind": "reused_close", "fd": "fd", "type": "socket", "ownership": "on", "culprit": "bad",
#   "owner": "_socket.socket", "origin": {"bad": "close", "closed": "close"}, "bad": "main@bad",
#   "closed": "main@closed", "opened": "main@opened", "victim": "main@victim", "advice": "detach()"}
# @expect {"kind": "use_after_close", "fd": "fd", "ownership": "on", "culprit": "closed", "calls":
#   {"bad": "read"}, "bad": "main@failed", "closed": "main@bad", "opened": "main@victim"}
# @expect {"kind": "reused_close", "certainty": "suspected", "fd": "fd", "type": "socket",
#   "ownership": "off", "culprit": "bad", "bad": "main@bad", "closed": "main@closed", "opened":
#   "main@opened", "victim": "main@victim", "failed": "main@failed"}
import os
import socket

from simlib import say, wait_for_tracer


def main():
    first = socket.socket()  # <opened>
    say(fd=first.fileno())
    second = socket.socket(fileno=first.fileno())
    first.close()  # <closed>
    other = os.open(os.__file__, os.O_RDONLY)  # <victim>
    second.close()  # <bad>
    try:
        os.read(other, 1)  # <failed>
    except OSError:
        pass


wait_for_tracer()
main()
