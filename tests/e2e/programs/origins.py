# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Closes that fail, by os.close(), by the end of objects, by the collector; prints each's name."""
import gc
import os
import socket

from simlib import wait_for_tracer


def by_call():
    fd = os.open("/dev/null", os.O_RDONLY)
    os.close(fd)
    try:
        os.close(fd)
    except OSError:
        pass


def by_last_reference():
    file = open("/dev/null")
    os.close(file.fileno())
    del file


def by_socket():
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.close(end.fileno())
    del end


class Node:
    pass


def by_collector():
    node = Node()
    node.itself = node
    node.file = open("/dev/null")
    os.close(node.file.fileno())
    del node
    gc.collect()


wait_for_tracer()
by_call()
by_last_reference()
by_socket()
by_collector()
