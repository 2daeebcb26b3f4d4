# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""celery: a worker with two processes, and one with threads, that take tasks from a file system's
queue (the broker in memory serves threads of one process only: the third)."""
import os
import subprocess
import sys
import tempfile
import time

FOLDER = os.environ.get("HEALTHY_FOLDER", "")
os.environ.setdefault("C_FORCE_ROOT", "1")

import celery  # noqa: E402

app = celery.Celery("celery_job", broker="filesystem://" if FOLDER else "memory://",
                    backend="file://" + FOLDER if FOLDER else "cache+memory://")
if FOLDER:
    app.conf.broker_transport_options = {
        name: FOLDER for name in ("data_folder_in", "data_folder_out", "control_folder")}
app.conf.broker_connection_retry_on_startup = True


@app.task
def square(n):
    with open("/dev/null") as file:
        file.read()
    return n * n


def work(pool):
    command = [sys.executable, "-m", "celery", "-A", "celery_job", "worker", "-c", "2", "-P", pool,
               "--without-gossip", "--without-mingle", "-l", "WARNING"]
    with subprocess.Popen(command, cwd=os.path.dirname(os.path.abspath(__file__))) as worker:
        results = [square.delay(n) for n in range(10)]
        got = [result.get(timeout=120) for result in results]
        time.sleep(0.2)
        worker.terminate()
    assert got == [n * n for n in range(10)], got


def in_memory():
    from celery.contrib.testing.worker import start_worker

    with start_worker(app, perform_ping_check=False, pool="solo"):
        assert square.delay(4).get(timeout=60) == 16


def main():
    if FOLDER:
        for pool in ("prefork", "threads"):
            work(pool)
        return
    in_memory()
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, HEALTHY_FOLDER=folder)
        subprocess.run([sys.executable, os.path.abspath(__file__)], env=env, check=True)


if __name__ == "__main__":
    main()
