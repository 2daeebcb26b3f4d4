# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Callbacks, transports and readers of asyncio's loop.

misleads: outer objects: the loop and its handles
truth(callback): double_close proven
truth(callback_file): reused_close proven
truth(partial): double_close proven
truth(raw_callback): double_close likely
truth(transport): owned_close proven
truth(reader): use_after_close likely
truth(task): double_close proven
truth(to_executor): double_close proven
"""
import asyncio
import functools
import os

from proof import FORM, begin, took

refused = []


class Job:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED(callback,callback_file,partial,task,to_executor)

    def stop(self):
        try:
            os.close(self.fd)  # FIRST(callback,callback_file,partial,task,to_executor) CULPRIT(callback,callback_file,partial,task,to_executor)
        except OSError:
            refused.append(self.fd)

    async def run(self):
        await asyncio.sleep(0)
        self.stop()


async def callback():
    loop, job = asyncio.get_running_loop(), Job()
    stop = functools.partial(Job.stop, job) if FORM == "partial" else job.stop
    loop.call_soon(stop)
    await asyncio.sleep(0)
    victim = took(open(__file__), job.fd) if FORM == "callback_file" else None  # VICTIM(callback_file)
    loop.call_soon(stop)
    await asyncio.sleep(0)
    if victim:
        try:
            victim.close()
        except OSError:
            refused.append("victim")


async def task():
    job = Job()
    await asyncio.gather(job.run(), job.run())


async def to_executor():
    job, loop = Job(), asyncio.get_running_loop()
    await loop.run_in_executor(None, job.stop)
    await loop.run_in_executor(None, job.stop)


def close_raw(number):
    try:
        os.close(number)  # FIRST(raw_callback) CULPRIT(raw_callback)
    except OSError:
        refused.append(number)


async def raw_callback():
    loop, number = asyncio.get_running_loop(), os.open("/dev/null", os.O_RDONLY)  # OPENED(raw_callback)
    for _ in range(2):
        loop.call_soon(close_raw, number)
        await asyncio.sleep(0)


def thief(pipe):
    os.close(pipe.fileno())  # CULPRIT(transport)


def make_pipe():
    r, w = os.pipe()  # OPENED(transport)
    return os.fdopen(r, "rb", 0), w


async def transport():
    """The transport has its number from a file, which is the owner."""
    loop = asyncio.get_running_loop()
    pipe, w = make_pipe()
    made, _ = await loop.connect_read_pipe(asyncio.Protocol, pipe)
    made.pause_reading()
    await asyncio.sleep(0)
    thief(pipe)
    try:
        pipe.close()
    except OSError:
        refused.append("pipe")
    os._exit(len(refused) != 1)


def give_back(number):
    os.close(number)  # FIRST(reader)


def listen(loop, number):
    loop.add_reader(number, print)  # CULPRIT(reader)


async def reader():
    loop = asyncio.get_running_loop()
    r, w = os.pipe()  # OPENED(reader)
    give_back(r)
    try:
        listen(loop, r)
    except OSError:
        refused.append(r)
    os.close(w)


begin()
main = {"callback_file": callback, "partial": callback}.get(FORM, globals().get(FORM))
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
assert len(refused) == 1, refused
