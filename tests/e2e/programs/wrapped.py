# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""wrapped.py PACKAGE: objects of that package which own descriptors, or wrap what does, are used as they
should be; then numbers of some are closed behind their backs, in thief(). Of each it says the number and
the class of the object that had it. It ends before any of these closes what is another's."""
import os
import sys

from simlib import wait_for_tracer


def thief(number):
    os.close(number)


def steal(owner):
    """From the object of C code, or of a class derived from that, which has the number."""
    print(owner.fileno(), type(owner).__name__, flush=True)
    thief(owner.fileno())
    os.open("/dev/null", os.O_RDONLY)  # takes the number, for good


def use_trio():
    import trio

    async def talk(port):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with stream:
            await stream.send_all(b"hello")
            assert await stream.receive_some(10) == b"hello"

    async def echo(stream):
        await stream.send_all(await stream.receive_some(10))
        await stream.aclose()

    async def main():
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, echo, 0)
            for _ in range(5):
                await talk(listeners[0].socket.getsockname()[1])
            nursery.cancel_scope.cancel()
        async with await trio.open_file("/etc/passwd") as file:
            await file.read()
        left, right = trio.socket.socketpair()
        right.close()
        steal(left._sock)
        steal((await trio.open_file("/etc/passwd", "rb", buffering=0)).wrapped)
        os._exit(0)

    trio.run(main)


def use_anyio():
    import anyio

    async def echo(stream):
        async with stream:
            await stream.send(await stream.receive(10))

    async def talk(port):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(b"hello")
            assert await stream.receive(10) == b"hello"

    async def main():
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with anyio.create_task_group() as group:
            group.start_soon(listener.serve, echo)
            for _ in range(5):
                await talk(port)
            group.cancel_scope.cancel()
        await listener.aclose()
        async with await anyio.open_file("/etc/passwd") as file:
            await file.read()
        steal((await anyio.open_file("/etc/passwd", "rb", buffering=0)).wrapped)
        os._exit(0)

    anyio.run(main)


def use_aiofiles():
    import asyncio

    import aiofiles

    async def main():
        for _ in range(5):
            async with aiofiles.open("/etc/passwd") as file:
                await file.read()
        file = await aiofiles.open("/etc/passwd", "rb", buffering=0)
        steal(file._file)
        os._exit(0)

    asyncio.get_event_loop_policy().new_event_loop().run_until_complete(main())


def use_gevent():
    import gevent
    from gevent import fileobject, server, socket

    def echo(connection, _):
        connection.sendall(connection.recv(10))
        connection.close()

    def talk(port):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"hello")
            assert connection.recv(10) == b"hello"

    service = server.StreamServer(("127.0.0.1", 0), echo)
    service.start()
    gevent.joinall([gevent.spawn(talk, service.server_port) for _ in range(5)], raise_error=True)
    service.stop()
    fileobject.FileObjectThread(open("/etc/passwd", "rb")).close()
    left, right = socket.socketpair()
    right.close()
    steal(left._sock)
    os._exit(0)


def use_eventlet():
    import eventlet
    from eventlet.green import socket

    def echo(connection, _):
        connection.sendall(connection.recv(10))
        connection.close()

    listener = eventlet.listen(("127.0.0.1", 0))
    server = eventlet.spawn(eventlet.serve, listener, echo)
    for _ in range(5):
        connection = eventlet.connect(listener.getsockname())
        connection.sendall(b"hello")
        assert connection.recv(10) == b"hello"
        connection.close()
    server.kill()
    listener.close()
    kept = socket.socket()
    steal(kept.fd)
    os._exit(0)


def use_uvloop():
    """libuv closes by itself, and has the socket objects let go after: correct."""
    import asyncio
    import socket

    import uvloop

    async def echo(reader, writer):
        writer.write(await reader.read(10))
        writer.close()

    async def main():
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = await asyncio.start_server(echo, sock=listener)
        for _ in range(5):
            sock = socket.create_connection(listener.getsockname())
            reader, writer = await asyncio.open_connection(sock=sock)
            writer.write(b"hello")
            assert await reader.read(10) == b"hello"
            writer.close()
        server.close()

    uvloop.new_event_loop().run_until_complete(main())


def use_pyzmq():
    """Its sockets are libzmq's, which no Python object owns: correct."""
    import zmq

    with zmq.Context() as context:
        with context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
            client.connect("tcp://127.0.0.1:%d" % server.bind_to_random_port("tcp://127.0.0.1"))
            client.send(b"hello")
            server.send(server.recv())
            assert client.recv() == b"hello"


wait_for_tracer()
globals()["use_" + sys.argv[1]]()
