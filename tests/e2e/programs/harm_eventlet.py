# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Correct: eventlet's green threads open files through an opener that waits, serve and connect."""
import eventlet

from simlib import wait_for_tracer

wait_for_tracer()

import os  # noqa: E402

import eventlet.green.socket as socket  # noqa: E402


def opener(path, flags):
    eventlet.sleep(0)
    return os.open(path, flags)


def openers():
    for _ in range(30):
        with open("/etc/passwd", opener=opener) as file:
            file.read()


def others():
    for _ in range(30):
        open("/etc/passwd").close()
        socket.socket().close()
        eventlet.sleep(0)


def echo(connection, _):
    connection.sendall(connection.recv(10))
    connection.close()


def talk(port):
    for _ in range(5):
        connection = eventlet.connect(("127.0.0.1", port))
        connection.sendall(b"hello")
        assert connection.recv(10) == b"hello"
        connection.close()


listener = eventlet.listen(("127.0.0.1", 0))
server = eventlet.spawn(eventlet.serve, listener, echo)
spawned = [eventlet.spawn(work) for work in (openers, others) for _ in range(3)]
spawned += [eventlet.spawn(talk, listener.getsockname()[1]) for _ in range(3)]
for one in spawned:
    one.wait()
server.kill()
listener.close()
print("ran to its end")
