# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The socket was given to the event loop, then closed behind its back: the transport's close is
# the second one.
# @expect {"kind": "owned_close", "type": "socket", "fd": "fd", "ownership": "on", "culprit": "bad",
#   "bad": "main@closed < <module>@call", "opened": "main@opened < <module>@call"}
# @expect {"kind": "double_close", "type": "socket", "fd": "fd", "culprit": "closed", "bad":
#   "<module>@call", "closed": "main@closed < <module>@call", "opened": "main@opened <
#   <module>@call"}
# @expect {"kind": "use_after_close", "type": "socket", "fd": "fd", "culprit": "closed", "bad":
#   "main@abort < <module>@call", "closed": "main@closed < <module>@call", "calls": {"bad":
#   "epoll_ctl"}}
import asyncio
import logging
import os
import socket

from simlib import say, wait_for_tracer


async def main():
    left, right = socket.socketpair()  # <opened>
    reader, writer = await asyncio.open_connection(sock=left)
    say(fd=left.fileno())
    os.close(left.fileno())  # <closed>
    writer.transport.abort()  # <abort>
    await asyncio.sleep(0.01)
    right.close()


wait_for_tracer()
logging.disable(logging.CRITICAL)  # of what asyncio says of it
asyncio.new_event_loop().run_until_complete(main())  # <call>
