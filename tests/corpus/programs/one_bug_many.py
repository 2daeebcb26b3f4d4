# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One theft; what follows of it is a read, a write, a seek and a close of the victim: one bug.

truth(file): reused_close proven
truth(socket): reused_close proven
truth(threads): reused_close proven
"""
import os
import socket
import threading

from proof import FORM, begin, fails, took


class Owner:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def done(self):
        os.close(self.fd)  # FIRST CULPRIT


def use_file(victim):
    for use in (lambda: victim.read(1), lambda: victim.seek(0), lambda: os.fstat(victim.fileno()),
                victim.close):
        with fails():
            use()


def use_socket(victim):
    for use in (lambda: victim.send(b"x"), lambda: victim.recv(1), lambda: victim.bind(""),
                victim.close):
        try:
            use()
            raise SystemExit("it did not fail")
        except OSError:
            pass


def main():
    owner = Owner()
    owner.done()  # first
    if FORM == "socket":
        victim = took(socket.socket(socket.AF_UNIX), owner.fd)  # VICTIM(socket)
    else:
        victim = took(open(__file__, "rb", buffering=0), owner.fd)  # VICTIM(file,threads)
    owner.done()  # culprit
    if FORM == "threads":
        thread = threading.Thread(target=use_file, args=(victim,))
        thread.start()
        thread.join()
    else:
        use_socket(victim) if FORM == "socket" else use_file(victim)


begin()
main()
