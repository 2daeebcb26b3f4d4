# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A client's connections to a server that says little; or one's number is closed behind its back.

needs: redis==4.3.4
truth(right): none
truth(thief): owned_close proven
"""
import os
import socket
import threading

import redis

from proof import FORM, begin, gone

listener = socket.create_server(("127.0.0.1", 0))


def serve():
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection):
    with connection:
        while connection.recv(4096):
            connection.sendall(b"+PONG\r\n")


def thief(connection):
    os.close(connection._sock.fileno())  # CULPRIT


begin()
threading.Thread(target=serve, daemon=True).start()
pool = redis.ConnectionPool(host="127.0.0.1", port=listener.getsockname()[1])
if FORM == "right":
    for _ in range(5):
        client = redis.Redis(connection_pool=pool)
        assert client.ping()
        pool.disconnect()
else:
    connection = pool.get_connection("PING")
    number = connection._sock.fileno()
    thief(connection)
    gone(number)
    pool.disconnect()
os._exit(0)
