# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A worker thread opens a file for the main thread, as event loops do. The number is one that a socket
# of the main thread had, which was rightly closed. The main thread closes the file's number behind its
# back: that has nothing to do with the socket.
# @expect {"kind": "owned_close", "type": "file", "fd": "fd", "ownership": "on", "culprit": "bad",
#   "owner": "_io.FileIO", "bad": "main@bad", "opened": "work@opened"}
# @expect {"kind": "reused_close", "certainty": "suspected", "fd": "fd", "ownership": "off", "count":
#   "maybe"}
import os
import socket
import threading

from simlib import say, wait_for_tracer


def work(opened):
    opened.append(open(__file__))  # <opened>


def main():
    sock = socket.socket()
    number = sock.fileno()
    sock.close()
    opened = []
    thread = threading.Thread(target=work, args=(opened,))
    thread.start()
    thread.join()
    say(fd=number)
    assert opened[0].fileno() == number
    os.close(opened[0].fileno())  # <bad>
    os._exit(0)


wait_for_tracer()
main()
