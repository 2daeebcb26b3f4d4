# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: pools of threads and of processes that open, hand over and close.
# @sim {"modes": ["started"]}
import asyncio
import concurrent.futures
import os

from simlib import wait_for_tracer


def read(path):
    with open(path, "rb") as file:
        return len(file.read())


def opened(_):
    return os.open("/dev/null", os.O_RDONLY)


async def commands():
    processes = [await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE,
                                                      stdout=asyncio.subprocess.PIPE)
                 for _ in range(4)]
    for process in processes:
        assert (await process.communicate(b"x"))[0] == b"x"
    shell = await asyncio.create_subprocess_shell("exit 3")
    assert await shell.wait() == 3
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(None, read, __file__) for _ in range(20)))


if __name__ == "__main__":
    wait_for_tracer()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(read, [__file__] * 200))
        list(pool.map(os.close, list(pool.map(opened, range(100)))))
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(read, [__file__] * 20))
    asyncio.run(commands())
