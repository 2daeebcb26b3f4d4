#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What one stack costs the thread that is traced, and what it costs to attach.

Stacks: CPU time of a loop of system calls on one CPU, by the depth of the stack, less the same
loop's without a tracer: fdtrace on Python frames, without ownership; beside it, on as many C frames
with frame pointers, a probe that only filters, and one with bpf_get_stack. All alternate from round
to round.

Attach: the CPU time that `fdtrace -p` takes more of a process with 500 mapped files than of one
with none, and of nine more Pythons of one binary than of one, by each.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import tracers

HERE = Path(__file__).resolve().parent
DEPTHS = (1, 5, 20, 60, 128)
MAPPED_FILES = 500
MORE = 9
WAITS = "print('ready', flush=True); open(0).read()"
# --check
FRAME_NS, MAPPED_MS, SECOND_MS = 50, 100, 10


class Loop:
    """A process that makes system calls at a depth, on one CPU. calls: of one turn."""

    def __init__(self, command, calls, cpu):
        self.calls = calls
        self.process = subprocess.Popen(command, encoding="ascii", bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        os.sched_setaffinity(self.pid, {cpu})

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit("costs: the loop has ended")
        return answer

    def canary(self):
        self.ask("canary")

    def measure(self, count):
        """{depth: nanoseconds of one call}."""
        results = {}
        for depth in DEPTHS:
            self.ask(f"{depth} {count // 10}")
            results[depth] = int(self.ask(f"{depth} {count}")) / count / self.calls
        return results

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def with_probe(build, kind, loop, count):
    with subprocess.Popen([build / "probes", kind, str(loop.pid)], encoding="ascii",
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as probe:
        if probe.stdout.readline() != "ready\n":
            raise tracers.Failure(f"the probe {kind} does not attach")
        result = loop.measure(count)
        probe.stdin.close()
        calls, frames = map(int, probe.stdout.readline().split())
    turns = len(DEPTHS) * (count + count // 10)
    if calls < turns:
        raise tracers.Failure(f"the probe {kind} saw {calls} of {turns} calls")
    return result, frames


def with_fdtrace(fdtrace, loop, count):
    session = fdtrace.start(loop)
    result = loop.measure(count)
    session.expect(2 * len(DEPTHS) * (count + count // 10))
    session.finish()
    return result


def measure_stacks(options, folder):
    """{arm: {depth: median of what a call costs more, ns}}."""
    cpu = max(os.sched_getaffinity(0))
    path = os.path.join(folder, "file")
    Path(path).touch()
    native = Loop([options.build / "frames"], 1, cpu)
    python = Loop([options.python, str(HERE / "deep.py"), path], 2, cpu)
    fdtrace = tracers.Fdtrace(options.fdtrace, folder, "--ownership=off")
    added = {arm: {depth: [] for depth in DEPTHS}
             for arm in ("empty probe", "bpf_get_stack", "fdtrace")}
    for _ in range(options.rounds):
        bare = native.measure(10 * options.count)
        empty, _ = with_probe(options.build, "empty", native, 10 * options.count)
        stack, _ = with_probe(options.build, "stack", native, 10 * options.count)
        bare_python = python.measure(options.count)
        traced = with_fdtrace(fdtrace, python, options.count)
        for depth in DEPTHS:
            added["empty probe"][depth].append(empty[depth] - bare[depth])
            added["bpf_get_stack"][depth].append(stack[depth] - bare[depth])
            added["fdtrace"][depth].append(traced[depth] - bare_python[depth])
    native.end()
    python.end()
    return {arm: {depth: statistics.median(values) for depth, values in depths.items()}
            for arm, depths in added.items()}


def family(pid):
    """A process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [other for child in children for other in family(child)]


def attach_ms(fdtrace, *pids):
    """CPU time of fdtrace and its helper until it says that it traces."""
    process = subprocess.Popen([fdtrace, "-p", ",".join(map(str, pids))], stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    line = process.stderr.readline()
    ns = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
             for pid in family(process.pid))
    process.terminate()
    process.communicate()
    if b"tracing" not in line:
        raise tracers.Failure(f"fdtrace: {line.decode(errors='replace').strip()}")
    return ns / 1e6


def fill(folder):
    """Copies of a shared library, each a file of its own."""
    source = next(Path("/usr/lib").glob("*/libm.so.6"))
    folder.mkdir()
    for number in range(MAPPED_FILES):
        shutil.copyfile(source, folder / f"{number}.so")


def measure_attach(options, folder):
    """Milliseconds of CPU time: (of 500 mapped files, of a second Python), medians of differences."""
    full, empty = Path(folder, "full"), Path(folder, "empty")
    fill(full)
    empty.mkdir()
    pipe = subprocess.PIPE
    commands = [[options.build / "mapper", full], [options.build / "mapper", empty],
                *(1 + MORE) * [[options.python, "-S", "-c", WAITS]]]
    processes = [subprocess.Popen(c, stdin=pipe, stdout=pipe) for c in commands]
    for process in processes:
        process.stdout.readline()
    many, none, first, *others = (process.pid for process in processes)
    mapped, again = [], []
    for _ in range(options.rounds):
        mapped.append(attach_ms(options.fdtrace, many) -
                      attach_ms(options.fdtrace, none))
        again.append((attach_ms(options.fdtrace, first, *others) -
                      attach_ms(options.fdtrace, first)) / MORE)
    for process in processes:
        process.communicate()
    return statistics.median(mapped), statistics.median(again)


def slope(costs):
    """Nanoseconds that one frame more costs; not beyond what bpf_get_stack walks to its end."""
    return (costs[60] - costs[5]) / 55


def print_stacks(options, stacks):
    print(f"Linux {platform.release()}: nanoseconds of CPU time that one call costs more, by the",
          f"depth of its stack:\nmedians of {options.rounds} alternating rounds.\n")
    print(f"{'depth':18}" + "".join(f"{depth:>8}" for depth in DEPTHS) + f"{'a frame':>12}")
    for arm, costs in stacks.items():
        print(f"{arm:18}" + "".join(f"{costs[depth]:8.0f}" for depth in DEPTHS)
              + f"{slope(costs):12.1f}")


def missed_aims(stacks, mapped, again):
    if slope(stacks["fdtrace"]) > FRAME_NS:
        yield f"{slope(stacks['fdtrace']):.0f} ns a frame, aim {FRAME_NS}"
    if mapped > MAPPED_MS:
        yield f"{mapped:.0f} ms for {MAPPED_FILES} mapped files, aim {MAPPED_MS}"
    if again > SECOND_MS:
        yield f"{again:.0f} ms for the second Python, aim {SECOND_MS}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=Path, help="folder of probes, frames and mapper")
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter to trace")
    parser.add_argument("--fdtrace", default=str(HERE.parents[1] / "fdtrace"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=10000, help="turns of one Python loop")
    parser.add_argument("--check", action="store_true", help="fail if the aims are missed")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("costs: tracing needs root: sudo make bench")
    folder = tempfile.mkdtemp(prefix="fdtrace-bench-")
    try:
        stacks = measure_stacks(options, folder)
        mapped, again = measure_attach(options, folder)
    except tracers.Failure as failure:
        sys.exit(f"costs: {failure}")
    finally:
        shutil.rmtree(folder)
    print_stacks(options, stacks)
    print(f"\nattach, CPU time: {MAPPED_FILES} mapped files take {mapped:.1f} ms, one more process",
          f"of the same Python {again:.1f} ms")
    missed = list(missed_aims(stacks, mapped, again)) if options.check else []
    for text in missed:
        print(f"costs: missed: {text}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
