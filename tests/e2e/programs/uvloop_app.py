# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""uvloop as people use it: a server on a socket of Python's, clients, a child. libuv closes by itself
and has the socket objects let go of their numbers after."""
import asyncio
import socket
import sys

import uvloop


async def handle(reader, writer):
    writer.write(await reader.read(100))
    await writer.drain()
    writer.close()


async def talk(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    writer.write_eof()
    assert await reader.read() == b"hello"
    writer.close()


async def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = await asyncio.start_server(handle, sock=listener)
    for _ in range(20):
        await talk(listener.getsockname()[1])
    left, right = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=left)
    writer.close()
    right.close()
    server.close()
    await server.wait_closed()
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "", stdout=-1)
    await child.communicate()


uvloop.install()
asyncio.run(main())
