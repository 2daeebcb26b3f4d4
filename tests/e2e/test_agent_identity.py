# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""fdtrace agent: whose process it was that a finding is about, and what was watched."""
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import harness
import schema
from test_agent import ONCE_MORE, TWICE, agent, be_met, cgroup  # noqa: F401 (a fixture)

# Long enough for the agent to take it up, and to ask it.
PAUSE = f"import time\ntime.sleep({0.3 * harness.SLOW})\n"
SLOW_ONE = PAUSE + ONCE_MORE


def run_with(cgroup, env, *command):
    """In the cgroup, with these variables beside those of every test; a value may be bytes."""
    with subprocess.Popen(["sh", "-c", cgroup[1] + '"$@"', "sh", *command],
                          env={**harness.clean_env(), **env}, stdin=subprocess.DEVNULL) as process:
        assert process.wait(harness.TIMEOUT) == 0
    return process.pid


def named(resource):
    """(name, version, environment, where the name is from)."""
    return tuple(resource.get(key) for key in ("service.name", "service.version",
                                               "deployment.environment.name", "fdtrace.service.source"))


def test_service(cgroup, tmp_path):  # noqa: F811
    """Each source of a name, and which of two goes before the other."""
    attributes = "service.version=2.4%2Cb,deployment.environment.name=prod, service.name = from%20attributes "
    cases = [
        ({"OTEL_SERVICE_NAME": "billing", "OTEL_RESOURCE_ATTRIBUTES": attributes, "DD_SERVICE": "dd"},
         ("billing", "2.4,b", "prod", "otel_environment")),
        ({"OTEL_RESOURCE_ATTRIBUTES": attributes, "DD_VERSION": "9"},
         ("from attributes", "2.4,b", "prod", "otel_environment")),
        ({"DD_SERVICE": "shop", "DD_VERSION": "1.0", "DD_ENV": "staging"},
         ("shop", "1.0", "staging", "datadog_environment")),
        ({}, ("worker", None, None, "program")),
        # Huge, binary, not ended: what is usable is used, and nothing else is said of it.
        ({"OTEL_SERVICE_NAME": b"\xff\x01\xe2\x80\xae" + b"x" * 100_000, "DD_ENV": b"a\nb", "OTEL_RESOURCE_ATTRIBUTES":
          b"=,,service.version,=x,service.version=%ff%00%zz," * 2000, "SECRET": "hunter2"},
         ("\\xff\\x01\\u202e" + "x" * 250, "\\xff\\x00%zz", "a\\nb", "otel_environment")),
    ]
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}") as running:
        be_met(cgroup, running)
        pids = []
        for number, (env, _) in enumerate(cases):
            # Another bug each time: one bug is one line.
            (tmp_path / "worker.py").write_text(SLOW_ONE.replace("twice", f"twice_{number}"))
            pids.append(run_with(cgroup, env, sys.executable, "-X", "dev", str(tmp_path / "worker.py")))
        assert running.end() == 0, running.stderr()
    assert "hunter2" not in running.json.read_text() + running.stderr()
    schema.validate(running.lines())
    found = {finding["process"]["pid"]: finding["resource"] for finding in running.findings()}
    assert [named(found[pid]) for pid in pids] == [expected for _, expected in cases]
    resource = found[pids[0]]
    assert resource["process.pid"] == pids[0]
    assert resource["process.executable.path"] == str(Path(sys.executable).resolve())
    assert resource["process.executable.name"] == Path(sys.executable).resolve().name
    assert resource["process.user.id"] == 0
    assert (resource["process.runtime.name"], resource["process.runtime.version"]) == \
        ("cpython", "%d.%d.%d" % sys.version_info[:3])
    started = datetime.fromisoformat(resource["process.creation.time"].replace("Z", "+00:00"))
    assert timedelta(0) < datetime.now(timezone.utc) - started < timedelta(minutes=5)
    machine = Path("/etc/machine-id")
    assert resource.get("host.id") == (machine.read_text().strip() or None if machine.exists() else None)
    assert resource["host.name"] == socket.gethostname()


def test_names_of_programs(cgroup, tmp_path):  # noqa: F811
    """A module's, a package's, that of the parent for as long as the child runs its program, and of
    a child that runs another."""
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__main__.py").write_text(SLOW_ONE)
    (tmp_path / "pack" / "tool.py").write_text(SLOW_ONE.replace("twice", "tool"))
    (tmp_path / "forks.py").write_text(
        SLOW_ONE.replace("twice(os.open", "os.fork() or fork(os.open").replace("def twice", "def fork") +
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '{tmp_path}/pack/other.py'], env={{'DD_SERVICE': 'other'}})\n")
    (tmp_path / "pack" / "other.py").write_text(SLOW_ONE.replace("twice", "other"))
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}") as running:
        be_met(cgroup, running)
        run_with(cgroup, {"PYTHONPATH": str(tmp_path)}, sys.executable, "-Bm", "pack.tool")
        run_with(cgroup, {}, sys.executable, str(tmp_path / "pack" / "__main__.py"))
        run_with(cgroup, {"DD_SERVICE": "parent"}, sys.executable, str(tmp_path / "forks.py"))
        assert running.end() == 0
    assert {finding["sites"]["bad"]["python"][0]["function"]: finding["resource"]["service.name"]
            for finding in running.findings()} == \
        {"tool": "pack.tool", "twice": "pack", "fork": "parent", "other": "other"}


PACKAGE = """\
import os
class Job:
    def end(self, fd):
        os.close(fd)
    def run(self):
        fd = os.open('/dev/null', os.O_RDONLY)
        self.end(fd)
        try:
            self.end(fd)
        except OSError:
            pass
"""


def test_same_bug_elsewhere(cgroup, tmp_path):  # noqa: F811
    """In another venv, of another Python, with its lines moved, started by another script, a bug is the
    same; by way of another function it is not."""
    pythons = [python.path for python in harness.pythons() if (3, 11) <= python.version][:2]
    starts = []
    for number, python in enumerate(pythons * 2):
        prefix = tmp_path / ("venv", "deep/er/env", "srv", "opt")[number]
        subprocess.run([python, "-m", "venv", "--without-pip", "--symlinks", prefix], check=True,
                       env=harness.clean_env())
        (packages,) = prefix.glob("lib/python3*/site-packages")
        (packages / "billing.py").write_text("#\n" * 10 * number + PACKAGE)
        starts.append((str(prefix / "bin" / "python"), str(prefix / f"start{number}.py")))
        Path(starts[-1][1]).write_text(PAUSE + "import billing\nbilling.Job().run()\n")
    with open(starts[-1][1], "a") as file:
        file.write("class Other(billing.Job):\n    def end(self, fd): super().end(fd)\nOther().run()\n")
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}") as running:
        for python, start in starts:
            run_with(cgroup, {}, python, "-c", PAUSE)
            run_with(cgroup, {}, python, "-B", start)
        assert running.end() == 0
    bugs = Counter()
    for finding in running.findings():
        first, second = finding["sites"]["bad"]["python"][:2]
        assert first["function"] == "Job.end"
        bugs[second["function"], finding["bug"]] += 1
    assert sorted((caller, count) for (caller, _), count in bugs.items()) == \
        [("Job.run", len(starts)), ("Other.end", 1)]
    assert len({bug for _, bug in bugs}) == 2


def test_coverage(cgroup, tmp_path):  # noqa: F811
    """By service and version, what was watched in each period, also where nothing was found."""
    (tmp_path / "quiet.py").write_text(
        f"import os, time\nend = time.monotonic() + {2.5 * harness.SLOW}\n"
        "while time.monotonic() < end:\n    os.close(os.open('/dev/null', os.O_RDONLY)); time.sleep(0.02)\n")
    (tmp_path / "loud.py").write_text(SLOW_ONE)
    config = f"include = cgroup:{cgroup[0]}"
    with agent(tmp_path, config, "[coverage]\ninterval = 1\n") as running:
        be_met(cgroup, running)
        began = time.monotonic()
        run_with(cgroup, {"DD_SERVICE": "quiet", "DD_VERSION": "1"}, sys.executable, str(tmp_path / "quiet.py"))
        lasted = time.monotonic() - began
        run_with(cgroup, {"DD_SERVICE": "loud"}, sys.executable, str(tmp_path / "loud.py"))
        run_with(cgroup, {"DD_SERVICE": "loud"}, sys.executable, str(tmp_path / "loud.py"))
        harness.wait_until(lambda: "finding" in running.json.read_text(), "a finding is written")
        assert running.end() == 0
    schema.validate(running.lines())
    records = [line for line in running.lines() if line["kind"] == "coverage"]
    of = {name: [r for r in records if r["resource"].get("service.name") == name] for name in ("quiet", "loud")}
    assert len(of["quiet"]) >= 3
    assert {r["processes"] for r in of["quiet"]} == {1}
    assert {r["resource"]["service.version"] for r in of["quiet"]} == {"1"}
    watched = sum(int(r["process_time_ns"]["full"]) for r in of["quiet"]) / 1e9
    assert lasted - 0.5 * harness.SLOW < watched < lasted + 0.1
    assert all(int(r["process_time_ns"]["full"]) <= int(r["duration_ns"]) for r in of["quiet"])
    # Of each turn two calls; the other calls are those of Python's start.
    assert sum(r["calls"] for r in of["quiet"]) > 50
    assert sum(r["findings"] for r in of["quiet"]) == 0
    assert sum(r["findings"] for r in of["loud"]) == 2
    # One that a period ends within is watched in both.
    assert 2 <= sum(r["processes"] for r in of["loud"]) <= 4
    assert sum(sum(r["lost"].values()) for r in records) == 0
    # One period follows on the other, each of its service.
    times = sorted({(r["start_time"], r["end_time"]) for r in records})
    assert [start for start, _ in times[1:]] == [end for _, end in times[:-1]]
    # The last record comes before the summary.
    assert [line["kind"] for line in running.lines()[-3:]].count("summary") == 1


def test_nothing_watched(tmp_path):
    """Which is told, too: of a gap nobody can say that a bug has gone."""
    with agent(tmp_path, "include = cgroup:/none", "[coverage]\ninterval = 1\n") as running:
        harness.wait_until(lambda: "coverage" in running.json.read_text(), "a period has ended")
        assert running.end() == 0
    *records, summary = running.lines()
    schema.validate(running.lines())
    assert summary["kind"] == "summary" and len(records) >= 2
    assert all("service.name" not in r["resource"] and r["processes"] == r["calls"] == 0 for r in records)


def test_owner_by_path(cgroup, tmp_path):  # noqa: F811
    """Of the file whose call is wrong, not of the library that made it; the last rule holds, and a
    reload brings others."""
    (tmp_path / "shop").mkdir()
    for name in ("a", "b"):
        (tmp_path / "shop" / f"{name}.py").write_text(SLOW_ONE.replace("twice", name))
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}",
               f"[owners]\npath = {tmp_path}/** all\npath = */shop/* team-shop\n") as running:
        be_met(cgroup, running)
        run_with(cgroup, {}, sys.executable, str(tmp_path / "shop" / "a.py"))
        harness.wait_until(lambda: running.json.read_text(), "it is found")
        running.config.write_text(running.config.read_text().replace("team-shop", "others"))
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("match scope.include", 2)
        run_with(cgroup, {}, sys.executable, str(tmp_path / "shop" / "b.py"))
        assert running.end() == 0
    schema.validate(running.lines())
    assert [f["attributes"] for f in running.findings()] == \
        [{"fdtrace.owner": "team-shop"}, {"fdtrace.owner": "others"}]


PUBLISH = """\
import ctypes, mmap, struct
fd = os.memfd_create('OTEL_CTX')
os.ftruncate(fd, 4096)
context = mmap.mmap(fd, 4096, flags=mmap.MAP_PRIVATE)
os.close(fd)
address = ctypes.addressof(ctypes.c_char.from_buffer(context))
def message(number, *fields):
    content = b''.join(field if isinstance(field, bytes) else field.encode() for field in fields)
    return bytes([number << 3 | 2, len(content)]) + content
def pair(key, value):
    return message(1, message(1, key), message(2, message(1, value)))
payload = message(1, pair('service.name', 'from-context'), pair('service.version', '7'))
context[32:32 + len(payload)] = payload
context[:32] = struct.pack('=8sIIQQ', b'OTEL_CTX', 2, len(payload), 1, address + 32)
"""


def test_otel_context(cgroup, tmp_path):  # noqa: F811
    """What an SDK has published goes before the environment, whenever it has: before the agent came, or
    before the first finding; coverage has it, too."""
    late, early = tmp_path / "late.py", tmp_path / "early.py"
    late.write_text(SLOW_ONE.replace("twice(os.open", PUBLISH + "twice(os.open") +
                    f"time.sleep({0.5 * harness.SLOW})\n")
    early.write_text(TWICE.replace("twice", "early") + PUBLISH + "import sys\nprint('ready', flush=True)\n"
                     "sys.stdin.read(1)\nearly(os.open('/dev/null', os.O_RDONLY))\n")
    with subprocess.Popen(["sh", "-c", cgroup[1] + '"$@"', "sh", sys.executable, str(early)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(1.5)  # of a younger one it is looked for later, while it lives
        with agent(tmp_path, f"include = cgroup:{cgroup[0]}") as running:
            process.communicate(b"x", timeout=harness.TIMEOUT)
            run_with(cgroup, {"DD_SERVICE": "environment", "DD_ENV": "prod"}, sys.executable, str(late))
            assert running.end() == 0
    schema.validate(running.lines())
    assert {f["sites"]["bad"]["python"][0]["function"]: named(f["resource"]) for f in running.findings()} == {
        "early": ("from-context", "7", None, "otel_context"),
        "twice": ("from-context", "7", "prod", "otel_context")}
    services = {r["resource"].get("service.name"): r["findings"] for r in running.lines() if r["kind"] == "coverage"
                and r["resource"].get("deployment.environment.name") == "prod"}
    assert services == {"environment": 0, "from-context": 1}
