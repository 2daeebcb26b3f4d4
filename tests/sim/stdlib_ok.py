# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: subprocess, tempfile, pipes, selectors, asyncio, multiprocessing as they are meant.
import asyncio
import multiprocessing
import os
import selectors
import socket
import subprocess
import tempfile

from simlib import wait_for_tracer


async def echo():
    async def serve(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"line\n")
    assert await reader.readline() == b"line\n"
    writer.close()
    server.close()
    process = await asyncio.create_subprocess_exec("true", stdout=subprocess.PIPE)
    await process.wait()


def main():
    subprocess.run(["true"], check=True)
    assert subprocess.check_output(["echo", "x"], stderr=subprocess.DEVNULL) == b"x\n"
    with tempfile.TemporaryFile() as file, tempfile.NamedTemporaryFile() as named:
        file.write(b"x")
        named.write(b"x")
    with tempfile.TemporaryDirectory() as folder:
        fd, path = tempfile.mkstemp(dir=folder)
        with os.fdopen(fd, "w") as stream:
            stream.write(path)
    left, right = socket.socketpair()
    with left, right, selectors.DefaultSelector() as selector:
        selector.register(left, selectors.EVENT_READ)
        right.send(b"x")
        assert selector.select(1)
    os.popen("true").close()
    asyncio.run(echo())
    ours, theirs = multiprocessing.Pipe()
    ours.send(1)
    assert theirs.recv() == 1
    ours.close()
    theirs.close()


wait_for_tracer()
main()
