# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Files, sockets and processes by anyio.

needs: anyio==3.6.2
truth: none
"""
import anyio

from proof import begin


async def main():
    async with await anyio.open_file(__file__) as file:
        await file.read()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with anyio.create_task_group() as group:
        group.start_soon(listener.serve, lambda stream: stream.aclose())
        for _ in range(3):
            async with await anyio.connect_tcp("127.0.0.1", port):
                pass
        group.cancel_scope.cancel()
    await listener.aclose()
    await anyio.run_process(["true"])


begin()
anyio.run(main)
