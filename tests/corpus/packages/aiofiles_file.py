# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Files that an executor's threads open, read and close.

needs: aiofiles==0.8.0
truth(right): none
truth(thief): owned_close proven
"""
import asyncio
import os

import aiofiles

from proof import FORM, begin, fails


def thief(file):
    os.close(file.fileno())  # CULPRIT


async def right():
    for _ in range(3):
        async with aiofiles.open(__file__) as file:
            await file.read(10)


async def robbed():
    file = await aiofiles.open("/dev/null")
    thief(file._file)
    with fails():
        await file.close()


begin()
asyncio.run(robbed() if FORM == "thief" else right())
