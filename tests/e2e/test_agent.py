# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""fdtrace agent: follows what its configuration names, from the exec on, until it is told to end.

Its configuration names a cgroup that the test has made, so that nobody else is traced.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import harness
import packages
from test_privileges import as_nobody

HIERARCHIES = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
TWICE = """\
import os
def twice(fd):
    os.close(fd)
    try:
        os.close(fd)
    except OSError:
        pass
"""
ONCE_MORE = TWICE + "twice(os.open('/dev/null', os.O_RDONLY))\n"
PACKAGING = harness.ROOT / "packaging"
MANUAL = harness.ROOT / "docs" / "fdtrace-agent.8"


@pytest.fixture
def cgroup():
    """(its path, a shell's words that put the shell into it), gone after the test."""
    top = next((h for h in HIERARCHIES if (h / "cgroup.procs").exists()), None)
    if not top or not os.access(top, os.W_OK):
        pytest.skip("no cgroup of version 2 can be made here")
    folder = top / f"fdtrace-test-{os.getpid()}"
    folder.mkdir()
    yield f"/{folder.name}", f"echo $$ > {folder}/cgroup.procs; exec "
    harness.wait_until(lambda: not (folder / "cgroup.procs").read_text(), "the cgroup is empty")
    folder.rmdir()


class Agent:
    def __init__(self, folder, config, env=None, words=(), **popen):
        self.config, self.json = folder / "agent.conf", folder / "findings.json"
        self.config.write_text(config)
        self.error = tempfile.TemporaryFile("w+b")
        self.process = subprocess.Popen([*(words or [harness.FDTRACE]), "agent", "--config", self.config],
                                        env=env or harness.clean_env(), stdin=subprocess.DEVNULL,
                                        **{"stderr": self.error, **popen})

    def stderr(self):
        return os.pread(self.error.fileno(), 1 << 20, 0).decode(errors="replace")

    def wait_for(self, pattern, count=1):
        def look():
            assert self.process.poll() is None, self.stderr()
            return len(re.findall(pattern, self.stderr())) >= count
        harness.wait_until(look, f"the agent says {pattern}")

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(harness.TIMEOUT)

    def lines(self):
        return [json.loads(line) for line in self.json.read_text().splitlines()]

    def findings(self):
        return [line for line in self.lines() if line["kind"] not in ("update", "coverage", "summary")]


@contextlib.contextmanager
def agent(folder, scope, more="", **popen):
    # With a limit, programs that begin on a busy machine are passed over.
    config = (f"[scope]\n{scope}\n[metrics]\nlisten = 127.0.0.1:0\n[limits]\noverhead = none\n"
              f"[findings]\njson = {folder}/findings.json\n{more}")
    started = Agent(folder, config, **popen)
    try:
        started.wait_for("match scope.include")
        yield started
    finally:
        started.end()


def run_in(cgroup, *command):
    subprocess.run(["sh", "-c", cgroup[1] + '"$@"', "sh", *command], env=harness.clean_env(),
                   check=True, timeout=harness.TIMEOUT, stdin=subprocess.DEVNULL)


def be_met(cgroup, running):
    """To read the files of a Python that is new to the agent takes some hundredths of a second, or
    more where the machine is busy: until it has read no more of them for a while."""
    command = ["sh", "-c", cgroup[1] + '"$@"', "sh", sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, env=harness.clean_env(), stdin=subprocess.PIPE) as python:
        begun, before = time.monotonic(), None
        while time.monotonic() - begun < harness.TIMEOUT:
            time.sleep(0.3 * harness.SLOW)
            now = examined(running)
            if now and now == before:
                break
            before = now
        python.communicate()


def frames(finding):
    return [(frame["function"], frame["line"]) for frame in finding["sites"]["bad"]["python"]]


def test_short_script(cgroup, tmp_path):
    """It has ended long before anybody could have looked; its lines are known."""
    (tmp_path / "a.py").write_text(ONCE_MORE)
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}") as running:
        be_met(cgroup, running)
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        subprocess.run([sys.executable, tmp_path / "a.py"], check=True)
        assert running.end() == 0, running.stderr()
    (finding,), (summary,) = running.findings(), running.lines()[-1:]
    assert finding["kind"] == "double_close"
    assert frames(finding) == [("twice", 5), ("<module>", 8)]
    assert [frame["line"] for frame in finding["sites"]["opened"]["python"]] == [8]
    # Twice a shell, which becomes a Python; nobody outside of the cgroup.
    assert (summary["kind"], summary["processes_seen"]) == ("summary", 2)
    assert finding["process"]["cgroup"] == cgroup[0]


def test_burst(cgroup, tmp_path):
    """One short script after the other: each is taken up in time, and each is counted."""
    (tmp_path / "a.py").write_text(ONCE_MORE)
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}") as running:
        be_met(cgroup, running)
        run_in(cgroup, "sh", "-c", f"for i in $(seq 40); do {sys.executable} -I -S {tmp_path}/a.py; done")
        running.end()
    (finding,), (*updates, summary) = running.findings(), \
        [line for line in running.lines()[1:] if line["kind"] != "coverage"]
    assert finding["sites"]["bad"]["python_status"] == "complete"
    assert [u["count"] for u in updates] == [10, 40]
    assert summary["findings"]["double_close"] == 40
    assert summary["processes_seen"] >= 40 and summary["processes"] == 0


def test_running_process_and_its_children(cgroup, tmp_path):
    """One that ran before is taken up, and what it starts then, whatever that is called."""
    (tmp_path / "child.py").write_text(ONCE_MORE)
    program = tmp_path / "parent.py"
    program.write_text(TWICE + "import subprocess, sys\nprint('ready', flush=True)\n"
                       "sys.stdin.read(1)\ntwice(os.open('/dev/null', os.O_RDONLY))\n"
                       f"subprocess.run(['sh', '-c', '{sys.executable} {tmp_path}/child.py; :'])\n")
    command = ["sh", "-c", cgroup[1] + '"$@"', "sh", sys.executable, str(program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"ready\n"
        with agent(tmp_path, f"include = cgroup:{cgroup[0]} exe:*python*") as running:
            assert "1 process of those that run match" in running.stderr()
            assert "no process matches" not in running.stderr()
            parent.communicate(b"x", timeout=harness.TIMEOUT)
            running.end()
    files = {f["sites"]["bad"]["python"][0]["file"] for f in running.findings()}
    assert files == {str(program), str(tmp_path / "child.py")}
    assert {f["sites"]["bad"]["python_status"] for f in running.findings()} == {"complete"}


def test_four_capabilities(cgroup, tmp_path):
    """Nobody, with those that the unit gives, sees root's script as root would."""
    binary, folder = tmp_path / "fdtrace", tmp_path / "nobody"
    shutil.copy(harness.FDTRACE, binary)
    (tmp_path / "a.py").write_text(f"import time; time.sleep({0.3 * harness.SLOW})\n" + ONCE_MORE +
                                   "f = open('/dev/null')\nos.close(f.fileno())\n")
    folder.mkdir()
    for path in (folder, *tmp_path.parents[:-2], tmp_path):
        path.chmod(path.stat().st_mode | 0o011)
    os.chown(folder, 65534, 65534)
    words = [*as_nobody(("bpf", "perfmon", "sys_ptrace", "dac_read_search")), str(binary)]
    with agent(folder, f"include = cgroup:{cgroup[0]}", words=words) as running:
        assert "missing" not in running.stderr()
        be_met(cgroup, running)
        run_in(cgroup, "env", "DD_SERVICE=billing", sys.executable, str(tmp_path / "a.py"))
        assert running.end() == 0
    assert {f["kind"]: frames(f)[0] for f in running.findings() if not f.get("caused_by")} == \
        {"double_close": ("twice", 6), "owned_close": ("<module>", 11)}
    assert {f["resource"]["service.name"] for f in running.findings()} == {"billing"}
    assert running.json.stat().st_uid == 65534


def examined(running):
    return int(re.search(r"^fdtrace_files_examined_total (\d+)$", get(running, "/metrics")[2], re.M).group(1))


@pytest.mark.parametrize("damage", ["none", "cut", "byte", "boot", "empty"])
def test_files_are_known_at_the_next_start(cgroup, tmp_path, damage):
    """The first short script of a Python has its lines then; what is damaged is learned anew."""
    cache = tmp_path / "cache"
    scope, more = f"include = cgroup:{cgroup[0]}", f"[tracing]\ncache = {cache}\n"
    (tmp_path / "a.py").write_text("import time; time.sleep(0.1)\n" + ONCE_MORE)
    with agent(tmp_path, scope, more) as running:
        be_met(cgroup, running)
        assert examined(running) > 0
        assert running.end() == 0
    kept = cache.read_bytes()
    assert cache.stat().st_mode & 0o777 == 0o600
    cache.write_bytes({"none": kept, "cut": kept[:-1], "byte": kept[:-9] + b"!" + kept[-8:],
                       "boot": kept[:8] + b"0" * 36 + kept[44:], "empty": b""}[damage])
    with agent(tmp_path, scope, more) as running:
        if damage != "none":
            be_met(cgroup, running)
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        # Now and then a shell is met before it becomes a Python; a Python with its libraries or alone.
        assert examined(running) < 2 if damage == "none" else examined(running)
        assert running.end() == 0, running.stderr()
    finding, = running.findings()
    assert frames(finding) == [("twice", 6), ("<module>", 9)]
    assert cache.read_bytes()[:80] == kept[:80]


def test_no_cache(cgroup, tmp_path):
    """Where it cannot be kept, that is said, and all else is as ever."""
    (tmp_path / "link").symlink_to(tmp_path / "a.py")
    (tmp_path / "a.py").write_text(ONCE_MORE)
    more = f"[tracing]\ncache = {tmp_path}/link\n"
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}", more) as running:
        be_met(cgroup, running)
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        running.wait_for(f"what is learned of executable files is not kept in {tmp_path}/link: ")
        assert running.end() == 0
    assert len(running.findings()) == 1
    assert (tmp_path / "a.py").read_text() == ONCE_MORE


def number(running, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", get(running, "/metrics")[2], re.M).group(1))


def burn(seconds):
    """A Python that opens and closes for so long; it has done nothing wrong."""
    return [sys.executable, "-c", f"import time\nend = time.monotonic() + {seconds}\n"
            "while time.monotonic() < end:\n    open('/dev/null').close()"]


def test_overhead(cgroup, tmp_path):
    """What costs too much is let alone, which is said once, and forgotten as it ends."""
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}", "[limits]\noverhead = 1%\n") as running:
        command = ["sh", "-c", cgroup[1] + '"$@"', "sh", *burn(600)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as burning:
            try:
                harness.wait_until(lambda: number(running, "fdtrace_processes_paused"), "a pause")
                assert number(running, 'fdtrace_processes{mode="full"}') == 0
            finally:
                burning.kill()
        harness.wait_until(lambda: not number(running, "fdtrace_processes_paused"), "it is forgotten")
        assert number(running, "fdtrace_overhead_limit_ratio") == 0.01
        assert running.end() == 0
    assert running.stderr().count("limits.overhead is 1.0%") == 1
    assert running.findings() == []


def test_measured_overhead(cgroup, tmp_path):
    """What the hooks say that they cost is what a program loses by them."""
    loop = [sys.executable, "-c", "import time; time.sleep(0.5); begun = time.process_time()\n"
            "for _ in range(100000): open('/dev/null').close()\n"
            "print(time.process_time() - begun, flush=True); time.sleep(1.5)"]
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}", "[limits]\noverhead = none\n") as running:
        times = {"traced": [], "bare": []}
        for _ in range(4):
            for name, group in (("traced", cgroup[1]), ("bare", "exec ")):
                done = subprocess.run(["sh", "-c", group + '"$@"', "sh", *loop], check=True,
                                      env=harness.clean_env(), stdout=subprocess.PIPE)
                times[name].append(float(done.stdout))
        said = number(running, "fdtrace_hooks_cpu_seconds_total") / 4
        assert number(running, "fdtrace_processes_paused") == 0
        running.end()
    lost = sorted(times["traced"])[1] - sorted(times["bare"])[1]
    assert 0.5 * lost < said < 1.5 * lost, (said, times)


def test_nothing_matches(tmp_path):
    """Which is no silent success."""
    with agent(tmp_path, "include = unit:no-such-unit.service\ninclude = cgroup:/no-such") as running:
        assert "0 processes of those that run match scope.include\n" in running.stderr()
        for rule in ("unit:no-such-unit.service", "cgroup:/no-such"):
            assert f"no process matches {rule} so far\n" in running.stderr()
        assert running.end() == 0


def test_exclude(cgroup, tmp_path):
    (tmp_path / "a.py").write_text(ONCE_MORE)
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}\nexclude = exe:*python*") as running:
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        running.end()
    assert running.findings() == []
    assert running.lines()[-1]["processes_seen"] == 0


def test_reload(cgroup, tmp_path):
    """A wrong configuration changes nothing; a right one is taken at once."""
    (tmp_path / "a.py").write_text(ONCE_MORE)
    with agent(tmp_path, "include = cgroup:/none") as running:
        right = running.config.read_text()
        running.config.write_text(right.replace("include", "inclusive"))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("the configuration stays as it was")
        assert f"{running.config}:2: there is no key scope.inclusive" in running.stderr()
        running.config.write_text(right + "[limits]\nhistory = 9\n")
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("restart the agent")
        running.config.write_text(right.replace("/none", cgroup[0]))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("match scope.include", 2)
        be_met(cgroup, running)
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        running.end()
    assert len(running.findings()) == 1


def test_rotation(cgroup, tmp_path):
    """After SIGUSR1 the file of this name is written, and nothing is lost in between."""
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}") as running:
        be_met(cgroup, running)
        for name in ("first", "second"):
            (tmp_path / f"{name}.py").write_text(ONCE_MORE.replace("twice", name))
            run_in(cgroup, sys.executable, str(tmp_path / f"{name}.py"))
            harness.wait_until(lambda: running.json.read_text(), "a finding is written")
            if name == "first":
                running.json.rename(tmp_path / "rotated.json")
                running.process.send_signal(signal.SIGUSR1)
                harness.wait_until(running.json.exists, "the file is made anew")
        running.end()
    rotated = json.loads((tmp_path / "rotated.json").read_text())
    assert frames(rotated)[0][0] == "first"
    assert [frames(f)[0][0] for f in running.findings()] == ["second"]


def test_restart_appends(cgroup, tmp_path):
    """What an agent before it wrote stays, and a line that it could not end is ended."""
    (tmp_path / "findings.json").write_text('{"kind":"torn')
    (tmp_path / "a.py").write_text(ONCE_MORE)
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}") as running:
        be_met(cgroup, running)
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        running.end()
    torn, *lines = running.json.read_text().splitlines()
    assert torn == '{"kind":"torn'
    kinds = [json.loads(line)["kind"] for line in lines]
    assert [kinds[0], *set(kinds[1:-1]), kinds[-1]] == ["double_close", "coverage", "summary"]


def test_full_disk(cgroup, tmp_path):
    """It says so, once, and goes on."""
    (tmp_path / "a.py").write_text(ONCE_MORE)
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}", "json = /dev/full\n") as running:
        be_met(cgroup, running)
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        running.wait_for("cannot write to /dev/full: No space left on device")
        assert 'fdtrace_sink_failures_total{sink="json"} 1\n' in get(running, "/metrics")[2]
        assert 'fdtrace_sink_works{sink="json"} 0\n' in get(running, "/metrics")[2]
        time.sleep(0.5)
        assert running.stderr().count("/dev/full") == 1
        assert running.end() == 0


def test_cannot_begin(tmp_path):
    listens = socket.create_server(("127.0.0.1", 0))
    taken = "127.0.0.1:%d" % listens.getsockname()[1]
    for config, code, said in ((f"[metrics]\nlisten = {taken}\n", 1,
                                f"metrics.listen: cannot listen at {taken}: Address already in use"),
                               ("[metrics]\nlisten = localhost\n", 2,
                                "metrics.listen: localhost is no HOST:PORT"),
                               ("[findings]\njson = /no/such/file\n", 6, "cannot write to /no/such/file: "),
                               ("[scope]\ninclude = x\n", 2, "agent.conf:2: scope.include: x is no condition")):
        running = Agent(tmp_path, config)
        assert running.process.wait(harness.TIMEOUT) == code
        assert said in running.stderr()
    listens.close()


def get(agent, page, method="GET"):
    """(status, type, text)."""
    url = re.search(r"answers at (http://\S+)/metrics", agent.stderr())[1]
    request = urllib.request.Request(url + page, method=method)
    try:
        with urllib.request.urlopen(request, timeout=harness.TIMEOUT) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def samples(text):
    """{name with its labels: value} of what the strict parser of Prometheus's Python client reads."""
    try:
        path = packages.path(harness.system_python(), "prometheus_client")
    except packages.Unavailable as why:
        pytest.skip(str(why))
    code = ("import json, sys\n"
            "from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n"
            "print(json.dumps([[s.name, s.labels, s.value] for f in parse(sys.stdin.read())\n"
            "                  for s in f.samples]))\n")
    result = subprocess.run([harness.system_python().path, "-c", code], input=text, text=True,
                            stdout=subprocess.PIPE, check=True,
                            env=harness.clean_env(PYTHONPATH=os.pathsep.join(path)))
    return {(name, *sorted(labels.values())): value for name, labels, value in json.loads(result.stdout)}


def test_metrics(cgroup, tmp_path):
    """Each is there from the first moment on; what is found is counted while it is."""
    (tmp_path / "a.py").write_text(ONCE_MORE)
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}\ninclude = unit:none") as running:
        status, kind, text = get(running, "/metrics")
        assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
        before = samples(text)
        found = ("fdtrace_findings_total", "double_close")
        assert before[found] == 0 and before["fdtrace_scope_rules_unused",] == 2
        assert get(running, "/findings")[2] == "[\n]\n"
        be_met(cgroup, running)
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        run_in(cgroup, sys.executable, str(tmp_path / "a.py"))
        harness.wait_until(lambda: samples(get(running, "/metrics")[2])[found] == 2,
                           "both are counted")
        harness.wait_until(lambda: '\nfdtrace_processes{mode="full"} 0\n' in get(running, "/metrics")[2],
                           "their ends have been read")
        after = samples(get(running, "/metrics")[2])
        (finding, *_) = json.loads(get(running, "/findings")[2])
    assert set(after) == set(before)
    assert after["fdtrace_scope_rules_unused",] == 1
    assert after["fdtrace_processes_seen_total",] == 3
    assert after["fdtrace_scope_taken_up_total",] == 3
    assert after["fdtrace_records_lost_total", "calls"] == 0
    assert 1 << 20 < after["process_resident_memory_bytes",] < 64 << 20
    assert frames(finding) == [("twice", 5), ("<module>", 8)]
    assert not any(re.search(r"/tmp|python|\d{3}", label) for _, *labels in after for label in labels)


def test_http(tmp_path):
    """What is not there is said; who connects and says nothing, or says nonsense, stops nobody."""
    with agent(tmp_path, "include = cgroup:/none") as running:
        port = int(re.search(r"127\.0\.0\.1:(\d+)/", running.stderr())[1])
        with contextlib.ExitStack() as stack:
            silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                      for _ in range(4)]
            silent[0].sendall(b"GET /metrics HTTP/1.1\r\nHost")
            silent[1].sendall(b"\x00\xff" * 4096)
            assert get(running, "/healthz")[::2] == (200, "ok\n")
            assert get(running, "/metrics/")[0] == 404
            assert get(running, "/../../etc/passwd")[0] == 404
            assert get(running, "/metrics", "POST")[0] == 405
        assert running.end() == 0


def test_tells_systemd(tmp_path):
    """That it is ready once it traces, that it is alive, that it reloads, that it ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bus:
        bus.bind(str(tmp_path / "notify"))
        bus.settimeout(harness.TIMEOUT)
        env = harness.clean_env(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="400000")
        with agent(tmp_path, "include = cgroup:/none", env=env) as running:
            said = ""

            def wait_for(word):
                nonlocal said
                while word not in said:
                    said += bus.recv(4096).decode() + "\n"
                before, said = said.split(word, 1)
                return before

            assert "WATCHDOG" not in wait_for("READY=1")
            wait_for("WATCHDOG=1")
            wait_for("WATCHDOG=1")
            running.process.send_signal(signal.SIGHUP)
            wait_for("RELOADING=1\nMONOTONIC_USEC=")
            wait_for("READY=1")
            running.process.send_signal(signal.SIGTERM)
            wait_for("STOPPING=1")
            assert running.end() == 0


def test_shipped_configuration():
    subprocess.run([harness.FDTRACE, "agent", "--check-config", "--config", PACKAGING / "agent.conf"],
                   check=True, env=harness.clean_env())


def test_unit():
    """What the service could do, if somebody made it his own, has bounds."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    said = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                           PACKAGING / "fdtrace-agent.service"], text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    assert float(re.search(r"exposure level for fdtrace-agent\.service: ([\d.]+)", said)[1]) <= 3.0


def test_manual_has_every_setting():
    """And --help every option of the manual."""
    printed = subprocess.run([harness.FDTRACE, "agent", "--print-config"], check=True, text=True,
                             stdout=subprocess.PIPE, env=harness.clean_env()).stdout
    text, section = MANUAL.read_text(), None
    for line in printed.splitlines():
        section = line.strip("[]") if line.startswith("[") else section
        key = re.match(r"(\w+) =", line)
        if key:
            assert f".It Cm {section}.{key[1]} " in text, line
    shown = subprocess.run([harness.FDTRACE, "agent", "--help"], check=True, text=True,
                           stdout=subprocess.PIPE, env=harness.clean_env()).stdout
    assert set(re.findall(r"--([a-z-]+)", shown)) - {"help"} == \
        set(re.findall(r"^\.It .*?Fl -([a-z-]+)", text, re.M))
