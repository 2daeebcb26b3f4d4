# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Threads, pools, loops and children, each with its own numbers, and rightly.

truth(threads): none
truth(executor): none
truth(processes): none
truth(asyncio): none
truth(server): none
truth(queue): none
truth(fork_in_thread): none
truth(generators): none
"""
import asyncio
import contextlib
import multiprocessing
import os
import queue
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

from proof import FORM, begin


def work(_=None):
    for _ in range(20):
        number = os.open("/dev/null", os.O_RDONLY)
        with open("/dev/null"), socket.socket():
            pass
        os.close(number)


def threads():
    every = [threading.Thread(target=work) for _ in range(4)]
    for thread in every:
        thread.start()
    for thread in every:
        thread.join()


def executor():
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))


def processes():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(work, range(4))
        pool.close()
        pool.join()


async def talk():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    for _ in range(3):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"x\n")
        assert await reader.readline() == b"x\n"
        writer.close()
    server.close()


async def commands():
    child = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    out, _ = await child.communicate(b"x")
    assert out == b"x"


def run(main):
    asyncio.run(main())


def server():
    """Connections are accepted by one thread, and closed by others."""
    listener, accepted = socket.create_server(("127.0.0.1", 0)), queue.Queue()

    def closer():
        for sock in iter(accepted.get, None):
            sock.close()

    thread = threading.Thread(target=closer)
    thread.start()
    for _ in range(10):
        with socket.create_connection(listener.getsockname()):
            accepted.put(listener.accept()[0])
    accepted.put(None)
    thread.join()
    listener.close()


def handed():
    """Bare numbers are opened by one thread and closed by another."""
    numbers = queue.Queue()

    def closer():
        for number in iter(numbers.get, None):
            os.close(number)

    thread = threading.Thread(target=closer)
    thread.start()
    for _ in range(50):
        numbers.put(os.open("/dev/null", os.O_RDONLY))
    numbers.put(None)
    thread.join()


def fork_in_thread():
    def child():
        pid = os.fork()
        if not pid:
            os.close(number)
            os._exit(0)
        os.waitpid(pid, 0)

    number = os.open("/dev/null", os.O_RDONLY)
    thread = threading.Thread(target=child)
    thread.start()
    thread.join()
    os.close(number)


@contextlib.contextmanager
def descriptor():
    number = os.open("/dev/null", os.O_RDONLY)
    try:
        yield number
    finally:
        os.close(number)


def generators():
    for _ in range(5):
        with descriptor() as outer, descriptor() as inner:
            assert outer != inner


begin()
mains = {"asyncio": lambda: run(talk), "queue": handed}
mains.get(FORM, globals().get(FORM))()
