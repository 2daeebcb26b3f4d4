# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: multiprocessing's start methods, pools, pipes, queues and shared memory.
# @sim {"modes": ["started"]}
import multiprocessing
import sys

from simlib import wait_for_tracer


def work(queue, connection):
    queue.put(connection.recv() + 1)
    connection.close()


def one(method):
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    queue = context.Queue()
    process = context.Process(target=work, args=(queue, theirs))
    process.start()
    theirs.close()
    ours.send(1)
    assert queue.get(timeout=60) == 2
    process.join()
    ours.close()
    queue.close()
    queue.join_thread()
    with context.Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]


if __name__ == "__main__":
    wait_for_tracer()
    for method in ["fork", "spawn", "forkserver"]:
        one(method)
    if sys.version_info >= (3, 8):
        from multiprocessing import shared_memory

        memory = shared_memory.SharedMemory(create=True, size=10)
        memory.close()
        memory.unlink()
