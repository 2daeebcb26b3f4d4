# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What a Python had before fdtrace came: its owner is found in its memory.

truth(file@attached): owned_close proven
truth(socket@attached): owned_close proven
truth(object@attached): double_close likely
truth(stolen@attached): reused_close likely
truth(right@attached): none
"""
import os
import socket

from proof import FORM, begin, fails, took


class Upload:
    def __init__(self):
        self.fd = os.open("/dev/zero", os.O_RDONLY)

    def close(self):
        os.close(self.fd)  # FIRST CULPRIT(object,stolen)


file, sock, upload = open("/dev/zero"), socket.socket(), Upload()


def thief(owner):
    os.close(owner.fileno())  # CULPRIT(file,socket)


def main():
    if FORM in ("file", "socket"):
        owner = file if FORM == "file" else sock
        thief(owner)
        with fails():
            owner.close()
        return
    upload.close()  # first
    if FORM == "object":
        with fails():
            upload.close()  # culprit(object)
    elif FORM == "stolen":
        with open(__file__) as victim:  # VICTIM(stolen)
            took(victim, upload.fd)
            upload.close()  # culprit(stolen)
            with fails():
                victim.close()
    else:
        file.close()
        sock.close()


begin()
main()
