# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The tracers that the benchmark compares: how each attaches to a process, and detaches."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time

READY_SECONDS = 20
# After a tracer's end, until the kernel has let go of what it had attached.
SETTLE_SECONDS = 0.3
TRACEFS = "/sys/kernel/tracing"
# Records beside those of the loops: canaries, and the first sight of stacks and code objects.
OTHER_RECORDS = 1000


class Failure(Exception):
    """A tracer did not do its job; says which and how."""


@contextlib.contextmanager
def tracefs():
    """bpftrace needs it; mounted only where it is missing, and unmounted again."""
    mounted = not os.path.isdir(f"{TRACEFS}/events")
    if mounted:
        mounted = subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACEFS],
                                 stderr=subprocess.DEVNULL).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", TRACEFS])


class Arm:
    """One column of the comparison: a tracer, and the process that it attaches to."""

    def __init__(self, name, tracer, target, slowness=1):
        self.name = name
        self.tracer = tracer
        self.target = target
        self.slowness = slowness  # divides the number of slices

    @contextlib.contextmanager
    def attached(self):
        session = self.tracer.start(self.target)
        try:
            yield session
        except BaseException:
            session.stop()
            raise
        session.finish()
        time.sleep(SETTLE_SECONDS)


class Session:
    """A tracer while it is attached."""

    def __init__(self, process=None):
        self.process = process
        self.calls = 0
        self.gone_ms = None  # from SIGINT to the process's end

    def expect(self, calls):
        """So many calls were made by the process under measurement."""
        self.calls = calls

    def stop(self):
        """Detaches as a person would, with Ctrl-C; the status that the tracer ended with.

        Keeps how long that took. Popen.wait(timeout=...) only looks now and then whether the
        process has ended, so this waits without one, and a timer ends what does not end."""
        watchdog = threading.Timer(READY_SECONDS, self.process.kill)
        watchdog.start()
        start = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait()
        self.gone_ms = 1000 * (time.monotonic() - start)
        watchdog.cancel()
        return status

    def finish(self):
        self.stop()


class Bare:
    def start(self, target):
        return BareSession()


class BareSession(Session):
    def stop(self):
        pass


def poll(ready, process, name, again=None):
    """Waits until ready() holds, calling again() before each look."""
    end = time.monotonic() + READY_SECONDS
    while not ready():
        if process.poll() is not None:
            raise Failure(f"{name} ended with status {process.returncode}")
        if time.monotonic() > end:
            process.kill()
            process.wait()
            raise Failure(f"{name} was not ready within {READY_SECONDS} s")
        if again:
            again()
        time.sleep(0.1)


class Fdtrace:
    """fdtrace with full stacks, and options. Ready once it reports the target's canary. Of one
    target there is one session at a time."""

    def __init__(self, program, folder, *options):
        self.program = program
        self.options = options
        self.folder = folder
        self.output = None  # of the latest session
        self.records = self.calls = self.lost = 0
        self.gone_ms = []  # of each session

    def lines(self):
        with open(self.output, encoding="utf-8") as output:
            return [json.loads(line) for line in output if line.endswith("\n")]

    def reports(self):
        return os.path.exists(self.output) and any(
            line["kind"] == "double_close" for line in self.lines())

    def start(self, target):
        self.output = os.path.join(self.folder, f"{target.pid}.json")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.output)
        process = subprocess.Popen([self.program, *self.options, "--json", "-o", self.output,
                                    "-p", str(target.pid)], stdin=subprocess.DEVNULL)
        poll(self.reports, process, "fdtrace", target.canary)
        return FdtraceSession(process, self, target)


class FdtraceSession(Session):
    def __init__(self, process, tracer, target):
        super().__init__(process)
        self.tracer = tracer
        self.target = target

    def expect(self, calls):
        super().expect(calls)
        self.target.canary()

    def finish(self):
        status = self.stop()
        if status != 0:
            raise Failure(f"fdtrace ended with status {status}")
        self.tracer.gone_ms.append(self.gone_ms)
        self.check([line for line in self.tracer.lines() if line["kind"] == "summary"][-1])

    def check(self, summary):
        """Every call must have arrived; beside them there are the canaries, stacks and names."""
        lost = sum(int(count) for count in summary["lost"].values())
        records = int(summary["records"])
        self.tracer.records += records
        self.tracer.calls += self.calls
        self.tracer.lost += lost
        if lost or int(summary["stacks_missing"]):
            raise Failure(f"fdtrace lost records: {summary['lost']}")
        if not self.calls <= records <= self.calls + OTHER_RECORDS:
            raise Failure(f"fdtrace saw {records} records of {self.calls} calls")


class Strace:
    """Ready once it says that it has attached."""

    def unusable(self):
        return None if shutil.which("strace") else "not installed"

    def start(self, target):
        process = subprocess.Popen(["strace", "-f", "-e", "trace=close,openat,socket",
                                    "-o", "/dev/null", "-p", str(target.pid)],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        line = process.stderr.readline()
        if b"attached" not in line:
            process.kill()
            raise Failure(f"strace: {line.decode(errors='replace').strip()}")
        return Session(process)


class Bpftrace:
    """Counts calls by native stack. Ready once it prints the target's canary."""

    PROGRAM = """
tracepoint:syscalls:sys_exit_openat /pid == $1/ { @[ustack] = count(); }
tracepoint:syscalls:sys_exit_socket /pid == $1/ { @[ustack] = count(); }
tracepoint:syscalls:sys_exit_close /pid == $1/ {
    @[ustack] = count();
    if (args->ret < 0) { printf("canary\\n"); }
}"""

    def unusable(self):
        if not shutil.which("bpftrace"):
            return "not installed"
        if not os.path.isdir(f"{TRACEFS}/events/syscalls/sys_exit_close"):
            return f"no system call tracepoints below {TRACEFS}"
        return None

    def start(self, target):
        process = subprocess.Popen(["bpftrace", "-B", "line", "-e", self.PROGRAM, str(target.pid)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        os.set_blocking(process.stdout.fileno(), False)
        seen = bytearray()

        def ready():
            seen.extend(process.stdout.read() or b"")
            return b"canary" in seen

        poll(ready, process, "bpftrace", target.canary)
        return BpftraceSession(process)


class BpftraceSession(Session):
    def stop(self):
        os.set_blocking(self.process.stdout.fileno(), True)
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=READY_SECONDS)
        return self.process.returncode
