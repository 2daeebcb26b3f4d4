# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The log of programs/walk.c, and whether a finding is true by it.

Owns: what each number of each table was, call by call: the walk makes one call at a time, so there
is one truth. A finding's sites are found in the log by thread, number and time.
"""
import bisect
import collections
import os
import struct
import time
from pathlib import Path
from typing import NamedTuple

ENTRY = struct.Struct("=QQIIIHHiiiIQ")
TABLES = 65536
HEADER = 176 + 2 * 8 * TABLES
LOG_FD = 101
OPEN, CLOSE, ONTO, RANGE, PAIR, COPY, EXEC, USE = range(1, 9)
EBADF = -9
SLACK = 1_000_000  # ns, between the clocks
NEAR = 2000  # ns, that they drift during a walk


class Call(NamedTuple):
    began: int
    ended: int
    pid: int
    tid: int
    table: int
    op: int
    how: int
    fd: int
    fd2: int
    ret: int
    other: int
    left: int

    def covers(self, when):
        return self.began <= when <= self.ended

    def is_near(self, when):
        return self.began - NEAR <= when <= self.ended + NEAR


class Generation(NamedTuple):
    opened: Call  # None: by the program before exec
    ended: Call  # None: it is open still


class Failure(NamedTuple):
    call: Call
    last: Generation  # the number's last generation in this program; None: it had none
    ever: bool  # the number was open at some time since the walk went on


def wall_offset():
    """What CLOCK_REALTIME is ahead of CLOCK_BOOTTIME, in ns: of a few readings the one that was
    interrupted least."""
    readings = []
    for _ in range(9):
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        wall = time.time_ns()
        width = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - before
        readings.append((width, wall - before - width // 2))
    return min(readings)[1]


def make_log(path, operations):
    size = HEADER + ENTRY.size * (operations + 64)
    with open(path, "wb") as file:
        os.ftruncate(file.fileno(), size)
    return path


class Walk:
    """What happened, from a log. attached_ns: CLOCK_BOOTTIME once fdtrace was there; 0: it started
    the walk."""

    def __init__(self, path, attached_ns):
        data = Path(path).read_bytes()
        count = struct.unpack_from("=Q", data)[0]
        entries = memoryview(data)[HEADER:HEADER + count * ENTRY.size]
        self.count = count
        self.attached_ns = attached_ns
        self.failures = collections.defaultdict(list)  # by (tid, fd), in order
        self._tables = {0: {}}
        self._times = {}
        for fields in ENTRY.iter_unpack(entries):
            self._happened(Call(*fields))
        self.shift = None

    def _open(self, table, fd, call):
        assert fd not in table or table[fd].ended, f"{call}: {fd} was open"
        table[fd] = Generation(call, None)

    def _close(self, table, fd, call):
        assert fd in table and not table[fd].ended, f"{call}: {fd} was not open"
        table[fd] = Generation(table[fd].opened, call)

    def _missed(self, table, fd, call):
        last = table.get(fd)
        assert not last or last.ended, f"{call}: {fd} was open"
        self.failures[call.tid, fd].append(Failure(call, last, bool(last)))

    def _happened(self, call):
        table = self._tables[call.table]
        if call.ret == EBADF:
            self._missed(table, call.fd, call)
        elif call.op == OPEN and call.ret >= 0:
            self._open(table, call.ret, call)
        elif call.op == CLOSE:
            self._close(table, call.fd, call)
        elif call.op == ONTO and call.ret >= 0:
            table[call.ret] = Generation(call, None)
        elif call.op == RANGE:
            for fd in range(call.fd, call.fd2 + 1):
                if fd in table and not table[fd].ended:
                    self._close(table, fd, call)
        elif call.op == PAIR:
            self._open(table, call.fd, call)
            self._open(table, call.fd2, call)
        elif call.op == COPY:
            self._tables[call.other] = table if call.other == call.table else dict(table)
        elif call.op == EXEC:
            self._tables[call.other] = {fd: Generation(None, None) for fd in table
                                        if call.left >> fd & 1}

    # Findings

    def set_clock(self, findings):
        """The shift of CLOCK_BOOTTIME to what the findings say by which the most failed calls are
        found: fdtrace's is read once, and the clocks drift."""
        guess = wall_offset()
        edges = []
        for finding in findings[:2000]:
            site = finding["sites"]["bad"]
            when = int(site["time_unix_nano"]) - guess
            calls = self.failures.get((site["tid"], finding["fd"]), [])
            first = bisect.bisect_left(calls, when - SLACK, key=lambda f: f.call.began)
            for failure in calls[first:]:
                if failure.call.began > when + SLACK:
                    break
                edges += [(when - failure.call.ended, 1), (when - failure.call.began, -1)]
        depth = most = 0
        edges.sort()
        for (at, side), (following, _) in zip(edges, edges[1:]):
            depth += side
            if depth > most:
                most, self.shift = depth, guess + (at + following) // 2
        return most

    def failure_of(self, finding):
        site = finding["sites"]["bad"]
        when = int(site["time_unix_nano"]) - self.shift
        calls = self.failures.get((site["tid"], finding["fd"]), [])
        first = bisect.bisect_left(calls, when - NEAR, key=lambda f: f.call.ended)
        after = bisect.bisect_right(calls, when + NEAR, key=lambda f: f.call.began)
        near = [f for f in calls[first:after]
                if (f.call.op == CLOSE) == (site["call"] == "close")]
        return next((f for f in near if f.call.covers(when)), near[0] if near else None)

    def is_site(self, site, call):
        when = int(site["time_unix_nano"]) - self.shift
        return site["tid"] == call.tid and call.is_near(when)

    def why_false(self, finding):
        """None: as a fact it is true. Else what is wrong with it."""
        sites, failure = finding["sites"], self.failure_of(finding)
        if not failure:
            return "no such call failed"
        last = failure.last
        if finding["kind"] in ("double_close", "use_after_close"):
            if not last:
                return "the number was never open"
            if not self.is_site(sites["closed"], last.ended):
                return f"ended by {last.ended}"
            if "opened" in sites and not (last.opened
                                          and self.is_site(sites["opened"], last.opened)):
                return f"begun by {last.opened}"
            return None
        if finding["kind"] == "double_close_unseen" and last:
            return None if last.ended.ended < self.attached_ns else f"ended by {last.ended}"
        if finding["kind"] in ("double_close_unseen", "bad_fd"):
            return f"ended by {last.ended}" if last else None
        return "no such finding can be a fact here"
