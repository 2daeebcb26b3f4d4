# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A web service that runs already when fdtrace attaches: what one of its handlers takes from a pool of
connections, or from a library written in C, is laid to that handler, never to those who suffer it."""
import contextlib
import os
import shutil
import subprocess

import pytest

import harness
import packages

PROGRAM = harness.ROOT / "tests" / "e2e" / "programs" / "service.py"


@contextlib.contextmanager
def redis_server(folder):
    """One of our own; the path of its socket."""
    path = folder / "redis"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            harness.wait_until(path.exists, "Redis listens")
            yield str(path)
        finally:
            process.terminate()


def need_redis():
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")


def thief(finding):
    """The function that the finding says did what it should not have."""
    site = "bad" if finding["kind"] in ("owned_close", "reused_close") else "closed"
    return finding["sites"][site]["python"][0]["function"]


def test_thefts(python, tmp_path):
    need_redis()
    try:
        path = packages.path(python, "redis")
    except packages.Unavailable as why:
        pytest.skip(str(why))
    env = harness.clean_env(PYTHONPATH=os.pathsep.join([str(harness.SIM), *path]))
    with redis_server(tmp_path) as socket:
        command = [python.path, str(PROGRAM), socket, str(tmp_path)]
        result = harness.attached(command, ["--all"], env)
    assert result.status == 0, result.stdout
    numbers = result.numbers()
    pool = [f for f in result.findings if thief(f) == "steal_pool"]
    database = [f for f in result.findings if thief(f) == "steal_database"]
    others = [f["explanation"] for f in result.findings if f not in pool + database]
    assert not others
    assert {f["fd"] for f in pool} == {numbers["pool"]}
    assert {f["fd"] for f in database} == {numbers["database"]}
    first = pool[0]
    assert (first["kind"], first["certainty"], first.get("owner")) == ("owned_close", "fact", "_socket.socket")
    assert "made before fdtrace attached" in " ".join(first["notes"])
    assert {f["kind"] for f in pool[1:]} <= {"double_close", "use_after_close"}
    assert {f["kind"] for f in database} == {"use_after_close"}
    assert all(f["certainty"] == "fact" for f in pool + database)
