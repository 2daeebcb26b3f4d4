# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A coroutine closes in one turn of the event loop, an awaited one again in a later turn.
# @expect {"kind": "double_close", "type": "socket", "fd": "fd", "bad": "helper@bad <
#   worker@await", "closed": "worker@closed", "opened": "main@opened"}
import asyncio
import os
import socket

from simlib import say, wait_for_tracer


async def helper(fd):
    await asyncio.sleep(0)
    try:
        os.close(fd)  # <bad>
    except OSError:
        pass


async def worker(fd):
    os.close(fd)  # <closed>
    await helper(fd)  # <await>


async def main():
    fd = socket.socket().detach()  # <opened>
    say(fd=fd)
    await asyncio.gather(worker(fd), asyncio.sleep(0))


wait_for_tracer()
asyncio.new_event_loop().run_until_complete(main())
