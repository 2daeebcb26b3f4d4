# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""--debuginfod: names that only a server has, asked for by a process without privileges, and only
if one says so. The server is Debian's debuginfod, or a few lines of our own where it misbehaves."""
import ctypes
import http.server
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

import harness
from test_native import only, symbols

PROGRAM = Path(__file__).parent / "programs" / "hidden.c"
FETCHER = b"fdtrace-debuginfod\0"
NAMES = ["close", "hidden_close", "hidden_caller", "main"]
GIVEN_UP = "debuginfod is not asked any more"


def has_library():
    try:
        return bool(ctypes.CDLL("libdebuginfod.so.1"))
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not has_library(), reason="libdebuginfod1 is not installed")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(stripped program, folder with its names, its build id)"""
    folder = tmp_path_factory.mktemp("hidden")
    folder.chmod(0o755)
    program, names = folder / "hidden", folder / "names"
    names.mkdir()
    subprocess.run(["cc", "-O1", "-g", "-Wl,--build-id", "-o", program, PROGRAM], check=True)
    subprocess.run(["objcopy", "--only-keep-debug", program, names / "hidden.debug"], check=True)
    subprocess.run(["strip", program], check=True)
    notes = subprocess.check_output(["readelf", "-n", program], text=True)
    return program, names, re.search(r"Build ID: (\w+)", notes)[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def debuginfod(folder):
    """Debian's server, which knows what is in the folder; its URL."""
    if not shutil.which("debuginfod"):
        pytest.skip("debuginfod is not installed")
    port = free_port()
    command = ["debuginfod", "-d", ":memory:", "-p", str(port), "-F", folder]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as server:
        try:
            next(line for line in server.stdout if "traversed source paths" in line)
            threading.Thread(target=server.stdout.read, daemon=True).start()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@contextmanager
def our_server(content):
    """Answers every question with these bytes, or, if they are None, never; (its URL, paths)."""
    asked, over = [], threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if content is None:
                over.wait(harness.TIMEOUT)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            over.set()
            server.shutdown()


def traced(program, *options, **env):
    """(symbols of the failed close, the result)"""
    result = harness.started([str(program)], ["--native", *options], harness.clean_env(**env))
    assert result.code == 0
    return symbols(only(result.findings)["sites"]["bad"]), result


def own_caches():
    return set(Path("/tmp").glob("fdtrace-debuginfod-*"))


def test_names_that_only_a_server_has(files):
    program, names, _ = files
    before = own_caches()
    with debuginfod(names) as url:
        found, result = traced(program, f"--debuginfod={url}")
        again, _ = traced(program, "--debuginfod", DEBUGINFOD_URLS=f"http://127.0.0.1:1 {url}")
        without, _ = traced(program, DEBUGINFOD_URLS=url)
    assert found[:len(NAMES)] == again[:len(NAMES)] == NAMES
    assert GIVEN_UP not in result.stderr
    assert without[1:3] == [None, None]
    assert own_caches() == before


def test_the_users_cache_is_used(files):
    """The second time no server is needed."""
    program, names, _ = files
    with tempfile.TemporaryDirectory() as cache:
        os.chmod(cache, 0o777)
        with debuginfod(names) as url:
            traced(program, f"--debuginfod={url}", DEBUGINFOD_CACHE_PATH=cache)
        found, _ = traced(program, "--debuginfod=http://127.0.0.1:1", DEBUGINFOD_CACHE_PATH=cache)
    assert found[:len(NAMES)] == NAMES


def test_no_server_is_asked_unasked(files):
    program, _, build_id = files
    with our_server(b"") as (url, asked):
        traced(program, DEBUGINFOD_URLS=url)
        assert not asked
        traced(program, "--debuginfod", DEBUGINFOD_URLS=url)
        assert f"/buildid/{build_id}/debuginfo" in asked
        assert len(asked) == len(set(asked))


def test_names_of_another_build_are_not_taken(files, tmp_path):
    program, _, _ = files
    other = tmp_path / "other"
    subprocess.run(["cc", "-O1", "-g", "-DOTHER", "-Wl,--build-id=0x0123456789abcdef", "-o", other,
                    PROGRAM], check=True)
    with our_server(other.read_bytes()) as (url, asked):
        found, _ = traced(program, f"--debuginfod={url}")
    assert asked and found[1:3] == [None, None]


def test_a_server_that_is_not_there(files):
    found, result = traced(files[0], "--debuginfod=http://127.0.0.1:1")
    assert found[1:3] == [None, None]
    assert result.stderr.count(GIVEN_UP) == 1 and "Connection refused" in result.stderr


def test_a_server_that_does_not_answer(files):
    """The report comes when the time is over, and nothing is asked again."""
    with our_server(None) as (url, asked):
        found, result = traced(files[0], f"--debuginfod={url}", DEBUGINFOD_TIMEOUT="2")
    assert found[1:3] == [None, None] and len(asked) == 1
    assert result.stderr.count(GIVEN_UP) == 1


def fetcher_of(run):
    def look():
        pid = run.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [n for n in children if Path(f"/proc/{n}/cmdline").read_bytes() == FETCHER]

    pid, = harness.wait_until(look, "the process that asks is there")
    return int(pid)


def status_of(pid):
    return dict(re.findall(r"^(\w+):\t(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M))


@pytest.mark.parametrize("sudo, uid", [({}, "65534"), ({"SUDO_UID": "54321"}, "54321"),
                                       ({"SUDO_UID": "0"}, "65534")], ids=["root", "user", "both"])
def test_it_is_asked_without_privileges(sudo, uid):
    env = harness.clean_env(DEBUGINFOD_URLS="http://127.0.0.1:1", SECRET="x", **sudo,
                            **({"SUDO_GID": "54321", "SUDO_USER": "x"} if sudo else {}))
    with harness.waiting(["/bin/sh", "-c", "echo ready; read x"]) as process:
        run = harness.Run(["--native", "--debuginfod", "-p", str(process.pid)], env=env).attached()
        fetcher = fetcher_of(run)
        status = status_of(fetcher)
        assert status["Uid"].split() == [uid] * 4 and status["Groups"].strip() == ""
        assert not any(int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"))
        assert status["NoNewPrivs"] == "1"
        assert b"SECRET" not in Path(f"/proc/{fetcher}/environ").read_bytes()
        process.communicate(b"x\n", timeout=harness.TIMEOUT)
        run.finish(process.returncode)
    harness.wait_until(lambda: not Path(f"/proc/{fetcher}").exists(), "it ends with us")


def test_it_may_die(files):
    command = ["/bin/sh", "-c", 'echo ready; read x; exec "$0"', str(files[0])]
    with harness.waiting(command) as process:
        run = harness.Run(["--native", "--debuginfod=http://127.0.0.1:1", "-p",
                           str(process.pid)]).attached()
        os.kill(fetcher_of(run), signal.SIGKILL)
        process.communicate(b"x\n", timeout=harness.TIMEOUT)
        result = run.finish(process.returncode)
    assert symbols(only(result.findings)["sites"]["bad"])[1:3] == [None, None]
    assert result.code == 0 and result.stderr.count(GIVEN_UP) == 1
