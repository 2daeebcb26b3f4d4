# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Makes sockets and epoll instances by the C library alone, which no Python object owns. Told to
("first"), an object of either kind is made before."""
import ctypes
import os
import sys

AF_INET, SOCK_STREAM = 2, 1
libc = ctypes.CDLL(None)
if "first" in sys.argv:
    import select
    import socket  # tries an epoll object itself, by way of selectors

    socket.socket().close()
    select.epoll().close()
for _ in range(20):
    os.close(libc.socket(AF_INET, SOCK_STREAM, 0))
    os.close(libc.epoll_create1(0))
