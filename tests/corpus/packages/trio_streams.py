# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Streams and files of trio's.

needs: trio==0.22.0
truth(right): none max=3.12
truth(thief): use_after_close likely max=3.12
"""
import os

import trio

from proof import FORM, begin, fails


def thief(number):
    os.close(number)  # CULPRIT


async def right():
    r, w = os.pipe()
    async with trio.lowlevel.FdStream(r) as reader, trio.lowlevel.FdStream(w) as writer:
        await writer.send_all(b"x")
        assert await reader.receive_some(2) == b"x"
    async with await trio.open_file(__file__) as file:
        await file.read()
    await trio.run_process(["true"])


async def robbed():
    r, w = os.pipe()
    stream = trio.lowlevel.FdStream(r)
    thief(r)
    with fails():
        await stream.aclose()
    os._exit(0)


begin()
trio.run(robbed if FORM == "thief" else right)
