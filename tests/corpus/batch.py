# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Runs programs one after the other, and writes down how each ended and from when to when it ran:
so that one fdtrace can trace many, and each finding still is known to be one program's.

Usage: batch.py RUNS RESULTS: a JSON list of {command, env}, and where its results go.
"""
import json
import subprocess
import sys
import tempfile
import time

SECONDS = 60


def run(command, env):
    with tempfile.TemporaryFile() as said:
        begin = time.time_ns()
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        said.seek(0)
        return {"status": status, "said": said.read().decode("utf-8", "replace"), "begin": begin}


def main(runs, results):
    with open(runs) as file:
        wanted = json.load(file)
    done = [run(**one) for one in wanted]
    with open(results, "w") as file:
        json.dump(done, file)


main(*sys.argv[1:])
