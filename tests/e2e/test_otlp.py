# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""fdtrace agent's OTLP: whatever the receiver does, what it has taken in the end are the findings of
the file, each at least once; and what it will not take is counted."""
import contextlib
import email.utils
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time

import pytest

import harness
from otlp_receiver import OK, Receiver
from test_agent import Agent, agent, cgroup, get, run_in, samples  # noqa: F401

BUGS = 20
# So many functions, each of which closes twice, and one that does so twelve times; once the agent has
# taken it up.
PROGRAM = """\
import os, time
time.sleep({pause})
def often(fd):
    os.close(fd)
    try:
        os.close(fd)
    except OSError:
        pass
SOURCE = '''
def bug%d(fd):
    os.close(fd)
    try:
        os.close(fd)
    except OSError:
        pass
bug%d(os.open('/dev/null', os.O_RDONLY))
'''
for i in range({bugs}):
    exec(SOURCE % (i, i))
for i in range(12):
    often(os.open('/dev/null', os.O_RDONLY))
"""


@contextlib.contextmanager
def exporting(cgroup, tmp_path, url, more="", **popen):
    config = f"[otlp]\nendpoint = {url}\n{more}\n"
    with agent(tmp_path, f"include = cgroup:{cgroup[0]}", config, **popen) as running:
        yield running


def make_findings(cgroup, tmp_path):
    (tmp_path / "a.py").write_text(PROGRAM.format(bugs=BUGS, pause=0.5 * harness.SLOW))
    run_in(cgroup, sys.executable, "-I", "-S", tmp_path / "a.py")


def ids(running):
    return {finding["id"] for finding in running.findings()}


def wait_for_findings(running, count):
    harness.wait_until(lambda: len(running.findings()) == count, "the findings are in the file")


def exported(running, family="records"):
    """{outcome: how many}"""
    text = get(running, "/metrics")[2]
    found = re.findall(rf'^fdtrace_export_{family}_total{{sink="otlp",outcome="(\w+)"}} (\d+)$', text, re.M)
    return {outcome: int(count) for outcome, count in found}


def wait_for_all(running, receiver, without=0):
    """All are taken, and acknowledged."""
    wait_for_findings(running, BUGS + 1)
    harness.wait_until(lambda: len(receiver.ids()) == BUGS + 1 - without, "all are taken")
    harness.wait_until(lambda: "\nfdtrace_export_waiting{sink=\"otlp\"} 0\n" in get(running, "/metrics")[2],
                       "nothing waits")
    assert len(ids(running) - receiver.ids()) == without


def attribute(finding, site):
    frame = finding["sites"][site]["python"][0]
    return frame["function"], frame["file"], frame["line"]


def check_record(record, finding):
    """Says what the line of the file says."""
    assert record.record.event_name == f"fdtrace.fd.{finding['kind']}"
    assert record.record.severity_number == {"error": 17, "warning": 13, "info": 9}[finding["severity"]]
    assert record.record.severity_text == finding["severity"]
    assert str(record.record.time_unix_nano) == finding["time_unix_nano"]
    assert 0 < record.record.observed_time_unix_nano - record.record.time_unix_nano < 60e9 * harness.SLOW
    assert record.record.body.string_value == finding["explanation"]
    assert record.scope.name == "fdtrace"
    said = record.attributes
    for key in ("bug", "fingerprint", "certainty", "attribution", "culprit", "advice", "kind", "count"):
        assert said[f"fdtrace.{key}"] == finding[key], key
    code = [said[f"code.{key}"] for key in ("function.name", "file.path", "line.number")]
    assert tuple(code) == attribute(finding, "bad")
    assert said["fdtrace.code.call"] == "bad" and said["error.type"] == "EBADF"
    assert said["fdtrace.fd.number"] == finding["fd"]
    for key, site in ("code", "bad"), ("fdtrace.closed", "closed"), ("fdtrace.opened", "opened"):
        frames = re.findall(r'^  File "(.*)", line (\d+), in (.*)$', said[f"{key}.stacktrace"], re.M)
        assert frames == [(frame["file"], str(frame["line"]), frame["function"])
                          for frame in reversed(finding["sites"][site]["python"])]
    process = finding["process"]
    assert record.resource["process.pid"] == process["pid"]
    assert record.resource["process.creation.time"] == process["start_time"]
    assert record.resource["process.executable.path"] == process["exe"]
    assert record.resource["process.executable.name"] == os.path.basename(process["exe"])
    assert record.resource["process.linux.cgroup"] == process["cgroup"]
    assert finding["resource"].items() <= record.resource.items()
    assert finding.get("attributes", {}).items() <= said.items()
    assert said["fdtrace.seen.state"] == finding["seen"]["state"] == "new"
    name, version = process["runtime"].split()
    assert (record.resource["process.runtime.name"], record.resource["process.runtime.version"]) == \
        (name.lower(), version)
    assert record.resource["host.name"] == socket.gethostname()


@pytest.mark.parametrize("encoding", ("protobuf", "json"))
@pytest.mark.parametrize("compression", ("gzip", "none"))
def test_delivered(cgroup, tmp_path, encoding, compression):
    """Each finding, and the counts; with the headers that were asked for."""
    more = f"encoding = {encoding}\ncompression = {compression}\nheaders = x-key=a%20b, Authorization=Bearer%20T\n"
    with Receiver() as receiver, exporting(cgroup, tmp_path, receiver.url, more) as running:
        make_findings(cgroup, tmp_path)
        wait_for_all(running, receiver)
        assert running.end() == 0
    for request in receiver.requests:
        assert request.path == "/v1/logs"
        assert request.is_gzip == (compression == "gzip")
        assert request.headers["Content-Type"].endswith(encoding)
        assert (request.headers["x-key"], request.headers["Authorization"]) == ("a b", "Bearer T")
    assert "Bearer" not in running.stderr()
    by_id = {finding["id"]: finding for finding in running.findings()}
    assert len({record.uid for record in receiver.taken}) == len(receiver.taken)
    for record in receiver.taken:
        if record.is_finding:
            check_record(record, by_id.pop(record.id))
    assert not by_id
    assert [record.attributes["fdtrace.count"] for record in receiver.taken
            if record.record.event_name == "fdtrace.update"] == \
        [line["count"] for line in running.lines() if line["kind"] == "update"] == [10, 12]
    assert [record.attributes["fdtrace.coverage.processes"] for record in receiver.taken
            if record.record.event_name == "fdtrace.agent.coverage"] == \
        [line["processes"] for line in running.lines() if line["kind"] == "coverage"]


class Script:
    """Answers in turn, then OK."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def __call__(self, request):
        answer = self.answers.pop(0) if self.answers else OK
        return answer(request) if callable(answer) else answer


def test_told_when(cgroup, tmp_path):
    """Retry-After in seconds and as a date; nothing is sent before."""
    date = lambda request: (503, {"Retry-After": email.utils.formatdate(time.time() + 3, usegmt=True)}, b"")
    with Receiver(Script((429, {"Retry-After": "2"}, b""), date)) as receiver, \
            exporting(cgroup, tmp_path, receiver.url) as running:
        make_findings(cgroup, tmp_path)
        wait_for_all(running, receiver)
        assert exported(running, "requests")["again"] == 2
    first, second, third = (request.time for request in receiver.requests[:3])
    assert 2 <= second - first and 2 <= third - second
    assert "answers with status 429: it is tried again" in running.stderr()
    assert "status 503" not in running.stderr(), "it is said once"


@pytest.mark.parametrize("status", (502, 503, 504))
def test_unavailable(cgroup, tmp_path, status):
    with Receiver(Script((status, {}, b"no"), (status, {}, b"no"))) as receiver, \
            exporting(cgroup, tmp_path, receiver.url) as running:
        make_findings(cgroup, tmp_path)
        wait_for_all(running, receiver)
        assert exported(running) == {"delivered": BUGS + 2, "refused": 0, "rejected": 0, "dropped": 0}
        assert 'fdtrace_sink_works{sink="otlp"} 1\n' in get(running, "/metrics")[2]
        assert 'fdtrace_sink_failures_total{sink="otlp"} 1\n' in get(running, "/metrics")[2]
    first, second, third = (request.time for request in receiver.requests[:3])
    assert second - first >= 0.5 and third - second >= 1
    assert running.stderr().count("otlp: ") == 2
    assert f"otlp: {receiver.url}/v1/logs takes records again\n" in running.stderr()


def test_not_there_yet(cgroup, tmp_path):
    """The agent starts before what it talks to."""
    with Receiver() as receiver:
        url = receiver.url
    with exporting(cgroup, tmp_path, url) as running:
        make_findings(cgroup, tmp_path)
        running.wait_for("does not answer: .*: it is tried again")
        assert 'fdtrace_sink_works{sink="otlp"} 0\n' in get(running, "/metrics")[2]
        with Receiver(port=receiver.port) as again:
            wait_for_all(running, again)


def cut_request(handler, length):
    handler.rfile.read(length // 2)
    return True


def cut_status(handler, length):
    handler.rfile.read(length)
    handler.wfile.write(b"HTTP/1.1 2")
    return True


def talk_nonsense(handler, length):
    handler.rfile.read(length)
    handler.wfile.write(b"\x00\xff" * 40000)
    return True


def wait_long(handler, length):
    time.sleep(2)
    return True


@pytest.mark.parametrize("before", (cut_request, cut_status, talk_nonsense, wait_long),
                         ids=lambda f: f.__name__)
def test_no_answer(cgroup, tmp_path, before):
    """Once; then it is well."""
    left = [before]
    with Receiver(before=lambda *args: left.pop()(*args) if left else False) as receiver, \
            exporting(cgroup, tmp_path, receiver.url, "timeout = 1000") as running:
        make_findings(cgroup, tmp_path)
        wait_for_all(running, receiver)
        assert exported(running, "requests")["no_answer"] == 1
    assert "does not answer" in running.stderr()


def is_poison(record):
    return record.attributes.get("code.function.name") == "bug7"


def test_poison(cgroup, tmp_path):
    """One record that the receiver can't take is set aside, and costs no other."""
    answer = lambda request: (400, {}, b"bad") if any(map(is_poison, request.records)) else OK
    with Receiver(answer) as receiver, exporting(cgroup, tmp_path, receiver.url) as running:
        make_findings(cgroup, tmp_path)
        wait_for_all(running, receiver, without=1)
        assert exported(running) == {"delivered": BUGS + 1, "refused": 1, "rejected": 0, "dropped": 0}
        assert exported(running, "requests")["refused"] == 1
        assert exported(running, "requests")["split"] >= 2
    assert len({record.uid for record in receiver.taken}) == len(receiver.taken)
    assert "answers with status 400: what it refuses is lost, and counted" in running.stderr()


def test_too_large(cgroup, tmp_path):
    answer = lambda request: (413, {}, b"") if len(request.records) > 3 else OK
    with Receiver(answer) as receiver, exporting(cgroup, tmp_path, receiver.url) as running:
        make_findings(cgroup, tmp_path)
        wait_for_all(running, receiver)
        assert exported(running)["refused"] == 0
    assert len({record.uid for record in receiver.taken}) == len(receiver.taken)


@pytest.mark.parametrize("status", (307, 401, 404, 500))
def test_refused(cgroup, tmp_path, status):
    """Nothing that the specification forbids to repeat is repeated; no redirect is followed."""
    seen = []

    def answer(request):
        seen.append(request.path)
        return (status, {"Location": "/elsewhere"}, b"") if len(seen) == 1 else OK

    with Receiver(answer) as receiver, exporting(cgroup, tmp_path, receiver.url) as running:
        make_findings(cgroup, tmp_path)
        wait_for_findings(running, BUGS + 1)
        harness.wait_until(lambda: sum(exported(running).values()) == BUGS + 2, "each is settled")
        lost = len(receiver.requests[0].records)
        assert exported(running) == {"delivered": BUGS + 2 - lost, "refused": lost, "rejected": 0,
                                     "dropped": 0}
    assert set(seen) == {"/v1/logs"}
    assert {record.uid for record in receiver.taken}.isdisjoint(
        record.uid for record in receiver.requests[0].records)


def test_partial_success(cgroup, tmp_path):
    """What is rejected is counted, and not sent again."""
    answers = Script(lambda request: receiver.partial(3, "three are \x1b[2J odd"))
    with Receiver(answers) as receiver, exporting(cgroup, tmp_path, receiver.url) as running:
        make_findings(cgroup, tmp_path)
        wait_for_all(running, receiver)
        count = len(receiver.requests[0].records)
        rejected = min(3, count)
        assert exported(running) == {"delivered": BUGS + 2 - rejected, "refused": 0,
                                     "rejected": rejected, "dropped": 0}
    assert len({record.uid for record in receiver.taken}) == len(receiver.taken)
    assert rf"has rejected {rejected} of {count} records: three are \x1b[2J odd" in running.stderr()


def test_huge_answer(cgroup, tmp_path):
    """Taken is taken, however much is said of it."""
    def answer(request):
        return 200, {"Content-Type": "application/x-protobuf"}, b"\x0a\xff\xff\xff\x7f" * (20 << 20)

    with Receiver(answer) as receiver, exporting(cgroup, tmp_path, receiver.url) as running:
        make_findings(cgroup, tmp_path)
        wait_for_all(running, receiver)
        rss = samples(get(running, "/metrics")[2])["process_resident_memory_bytes",]
        assert rss < 64 << 20
        assert exported(running)["delivered"] == BUGS + 2
    assert len({record.uid for record in receiver.taken}) == len(receiver.taken)


def test_left_at_the_end(cgroup, tmp_path):
    """Nobody takes them: the agent ends all the same, and says how many are lost."""
    with Receiver(lambda request: (503, {"Retry-After": "100"}, b"")) as receiver, \
            exporting(cgroup, tmp_path, receiver.url) as running:
        make_findings(cgroup, tmp_path)
        wait_for_findings(running, BUGS + 1)
        harness.wait_until(lambda: receiver.requests, "a request has come")
        begin = time.monotonic()
        assert running.end() == 0
        assert time.monotonic() - begin < 15 * harness.SLOW
    count = sum(line["kind"] != "summary" for line in running.lines())
    assert f"otlp: {count} records could not be delivered to {receiver.url}/v1/logs: lost\n" in running.stderr()


def test_sent_at_the_end(cgroup, tmp_path):
    """What waits when the end is asked for is sent before it."""
    with Receiver(Script((503, {}, b""))) as receiver, exporting(cgroup, tmp_path, receiver.url) as running:
        make_findings(cgroup, tmp_path)
        harness.wait_until(lambda: receiver.requests, "a request has come")
        assert running.end() == 0
    assert receiver.ids() == ids(running) and len(ids(running)) == BUGS + 1
    assert "could not be delivered" not in running.stderr()


@pytest.mark.parametrize("how", ("end", "kill"))
def test_kept_in_the_spool(cgroup, tmp_path, how):
    """What one agent could not deliver, the next one does."""
    more = f"[spool]\npath = {tmp_path}/spool.db\n"
    with Receiver(lambda request: (503, {"Retry-After": "100"}, b"")) as receiver, \
            exporting(cgroup, tmp_path, receiver.url, more) as running:
        make_findings(cgroup, tmp_path)
        wait_for_findings(running, BUGS + 1)
        harness.wait_until(lambda: receiver.requests, "a request has come")
        time.sleep(0.5 * harness.SLOW)  # all is on the disk
        if how == "kill":
            running.process.kill()
        running.end()
    assert how == "kill" or "/v1/logs: kept in the spool\n" in running.stderr()
    first = ids(running)
    with Receiver() as receiver, exporting(cgroup, tmp_path, receiver.url, more) as running:
        harness.wait_until(lambda: receiver.ids() >= first, "all are taken")
    assert len(first) == BUGS + 1


def test_hostile_names(cgroup, tmp_path):
    """What is no UTF-8 in names is made so; protobuf refuses anything else."""
    name = os.path.join(os.fsencode(tmp_path), b"\xff\xfe\xed\xa0\x80\n.py")
    with open(name, "wb") as file:
        file.write(b"import os, time\ntime.sleep(%f)\n" % (0.5 * harness.SLOW) +
                   b"fd = os.open('/dev/null', os.O_RDONLY)\nos.close(fd)\n"
                   b"try:\n    os.close(fd)\nexcept OSError:\n    pass\n")
    with Receiver() as receiver, exporting(cgroup, tmp_path, receiver.url) as running:
        run_in(cgroup, sys.executable, name)
        wait_for_findings(running, 1)
        harness.wait_until(lambda: receiver.ids() == ids(running), "it is taken")
    (record,) = (record for record in receiver.taken if record.is_finding)
    assert record.attributes["code.file.path"].endswith("\xff\xfe\xed\xa0\x80\n.py")
    assert record.attributes["code.stacktrace"].count("\n") == 2


def test_environment(cgroup, tmp_path):
    """The names that OpenTelemetry has for it, beneath ours; a host by its name."""
    env = dict(OTEL_EXPORTER_OTLP_PROTOCOL="http/json", OTEL_EXPORTER_OTLP_COMPRESSION="none",
               OTEL_EXPORTER_OTLP_HEADERS="x-key=general", OTEL_EXPORTER_OTLP_LOGS_HEADERS="x-key=logs",
               FDTRACE_AGENT_OTLP_COMPRESSION="gzip")
    with Receiver() as receiver:
        env["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://localhost:{receiver.port}/base/"
        with agent(tmp_path, f"include = cgroup:{cgroup[0]}", env=harness.clean_env(**env)) as running:
            make_findings(cgroup, tmp_path)
            wait_for_all(running, receiver)
    assert {(r.path, r.headers["Content-Type"], r.headers["x-key"], r.is_gzip) for r in receiver.requests} == \
        {("/base/v1/logs", "application/json", "logs", True)}


def test_host_by_name(cgroup, tmp_path):
    """One with several addresses, of which not all answer."""
    (tmp_path / "hosts").write_text("::1 collector\n127.0.0.1 collector\n127.0.0.2 collector\n")
    words = ["unshare", "-m", "sh", "-c", f'mount --bind {tmp_path}/hosts /etc/hosts && exec "$@"', "sh",
             harness.FDTRACE]
    with Receiver() as receiver, \
            exporting(cgroup, tmp_path, f"http://collector:{receiver.port}", words=words) as running:
        make_findings(cgroup, tmp_path)
        wait_for_all(running, receiver)


def test_https(cgroup, tmp_path):
    """By the authorities of a file; who is not vouched for by the system's gets nothing."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl here, to make a certificate with")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key.pem",
                    "-out", tmp_path / "cert.pem"], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with Receiver(context=context) as receiver:
        with exporting(cgroup, tmp_path, receiver.url) as running:
            make_findings(cgroup, tmp_path)
            running.wait_for("does not answer: SSL certificate problem: .*: it is tried again")
        assert not receiver.requests
        running.json.unlink()
        with exporting(cgroup, tmp_path, receiver.url, f"ca_file = {tmp_path}/cert.pem") as running:
            make_findings(cgroup, tmp_path)
            wait_for_all(running, receiver)


def test_wrong_settings(tmp_path):
    for setting, said in (("endpoint = collector:4318", "otlp.endpoint is an http:// or https:// URL"),
                          ("endpoint = http://me:pw@host/", "without credentials"),
                          ("headers = x", "otlp.headers is not NAME=VALUE"),
                          ("headers = x=a%0d%0aEvil: 1", "otlp.headers is not NAME=VALUE"),
                          ("timeout = 1", "otlp.timeout is a number from 100 to 600000"),
                          ("compression = zstd", "otlp.compression is gzip or none, and not zstd")):
        running = Agent(tmp_path, f"[otlp]\n{setting}\n")
        assert running.process.wait(harness.TIMEOUT) == 2
        assert re.search(rf"agent\.conf:2: .*{re.escape(said)}", running.stderr())
    running = Agent(tmp_path, "", env=harness.clean_env(OTEL_EXPORTER_OTLP_PROTOCOL="grpc"))
    assert running.process.wait(harness.TIMEOUT) == 2
    assert "OTEL_EXPORTER_OTLP_PROTOCOL: otlp.encoding is protobuf or json, and not grpc" in running.stderr()


def test_headers_stay_secret():
    printed = subprocess.run([harness.FDTRACE, "agent", "--print-config", "--set", "otlp.headers=a=secret,b=c"],
                             check=True, text=True, capture_output=True, env=harness.clean_env()).stdout
    assert "secret" not in printed and "#headers = (2 that are not shown)\n" in printed
