# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A loop of libuv's, which closes by itself: the number of a pipe's file, too, which then closes it again.

needs: uvloop==0.19.0
truth(right): none
truth(pipe): owned_close proven
"""
import asyncio
import os
import socket

import uvloop

from proof import FORM, begin


def make_pipe():
    r, w = os.pipe()  # OPENED(pipe)
    return os.fdopen(r, "rb"), w


async def pipe():
    loop = asyncio.get_running_loop()
    file, w = make_pipe()
    transport, _ = await loop.connect_read_pipe(asyncio.Protocol, file)
    os.close(w)
    transport.close()
    await asyncio.sleep(0.05)


async def right():
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    server = await loop.create_server(asyncio.Protocol, sock=listener)
    for _ in range(3):
        transport, _ = await loop.create_connection(asyncio.Protocol, *listener.getsockname())
        transport.close()
    server.close()
    await server.wait_closed()
    child = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    out, _ = await child.communicate(b"x")
    assert out == b"x"


begin()
uvloop.install()
asyncio.run(pipe() if FORM == "pipe" else right())  # CULPRIT(pipe)
