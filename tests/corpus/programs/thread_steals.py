# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Thread A closes its number twice; between the two, thread B opens something.

truth(socket): reused_close proven
truth(file): reused_close proven
truth(raw): reused_close likely
truth(functions): reused_close likely
"""
import os
import socket
import threading

from proof import FORM, begin, fails, gone, took

closed, stolen, done, over = (threading.Event() for _ in range(4))
numbers = {}


def give_back(number):
    os.close(number)  # FIRST(functions)


def give_back_again(number):
    os.close(number)  # CULPRIT(functions)


def thread_a():
    number = numbers["a"] = os.open("/dev/null", os.O_RDONLY)  # OPENED
    if FORM == "functions":
        give_back(number)
    else:
        os.close(number)  # FIRST(socket,file,raw)
    closed.set()
    stolen.wait()
    if FORM == "functions":
        give_back_again(number)
    else:
        os.close(number)  # CULPRIT(socket,file,raw)
    gone(number)
    done.set()
    over.wait()  # the first thread that ends may open a library


def thread_b():
    closed.wait()
    if FORM in ("socket", "functions"):
        mine = socket.socket()  # VICTIM(socket,functions)
    elif FORM == "file":
        mine = open("/dev/zero")  # VICTIM(file)
    else:
        mine = os.open("/dev/zero", os.O_RDONLY)  # VICTIM(raw)
    took(mine, numbers["a"])
    stolen.set()
    done.wait()
    with fails():
        os.close(mine) if FORM == "raw" else mine.close()
    over.set()


begin()
threads = [threading.Thread(target=thread_a), threading.Thread(target=thread_b)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert over.is_set()
