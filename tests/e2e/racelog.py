# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The log of programs/race.c, and whether a finding is true by it.

Owns: what may and what cannot have happened, by the intervals of the logged calls. A finding
names three calls; each is found in the log by its thread and time. It is `true` if no other
order of the logged calls fits, `open` if another one fits too, `false` if none fits that
makes it true.
"""
import bisect
import struct
import time
from dataclasses import dataclass, replace
from itertools import accumulate

ENTRY = struct.Struct("=QQIIii")
OPEN, CLOSE = 1, 2
CLOCK_SLACK = 1_000_000  # ns


@dataclass(frozen=True)
class Call:
    enter: int
    exit: int
    tid: int
    op: int
    fd: int
    ret: int


class Log:
    def __init__(self, data):
        self.shift = None  # from CLOCK_BOOTTIME to what the findings say
        self.threads, self.numbers = {}, {}
        for fields in ENTRY.iter_unpack(data):
            call = Call(*fields)
            self.threads.setdefault(call.tid, []).append(call)
            if call.ret >= 0:
                self.numbers.setdefault(call.fd, {OPEN: [], CLOSE: []})[call.op].append(call)
        for calls in self.threads.values():
            calls.sort(key=lambda c: c.enter)
        self.last_exits = {}  # for each number and side: the latest exit up to each call
        for fd, sides in self.numbers.items():
            for op, calls in sides.items():
                calls.sort(key=lambda c: c.enter)
                self.last_exits[fd, op] = list(accumulate((c.exit for c in calls), max))

    def set_clock(self, findings):
        """The one shift of the clocks that puts the most sites into a call of the log. fdtrace's
        own is read once, and the clock that it is read from is moved all the time."""
        guess = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        edges = []
        for finding in findings:
            for site in finding["sites"].values():
                edges += self._shifts(int(site["time_unix_nano"]), guess, finding["fd"], site)
        edges.sort()
        depth = most = 0
        for (shift, side), (following, _) in zip(edges, edges[1:]):
            depth -= side
            if depth > most:
                most, self.shift = depth, (shift + following) // 2

    def _shifts(self, when, guess, fd, site):
        """Begin and end of each shift that makes one of the thread's calls this site."""
        calls = self.threads.get(site["tid"], [])
        first = bisect.bisect_left(calls, when - guess - CLOCK_SLACK, key=lambda c: c.enter)
        failed = site.get("result") == "EBADF"
        for call in calls[first:]:
            if call.enter > when - guess + CLOCK_SLACK:
                return
            if call.fd == fd and (call.ret < 0) == failed:
                yield when - call.exit, -1
                yield when - call.enter, 1

    def calls(self):
        return sum(map(len, self.threads.values()))

    def failed_closes(self):
        return sum(c.ret < 0 for calls in self.threads.values() for c in calls)

    def find(self, site):
        """The logged call of a finding's site."""
        when = int(site["time_unix_nano"]) - self.shift
        calls = self.threads[site["tid"]]
        at = bisect.bisect_right(calls, when, key=lambda c: c.enter) - 1
        call = calls[at]
        assert at >= 0 and call.exit >= when, (site, when, calls[max(at - 1, 0):at + 2])
        return replace(call, exit=when)  # it had taken effect when it was recorded

    def between(self, fd, op, low, high):
        """Calls of a number that may have taken effect between two moments."""
        calls = self.numbers[fd][op]
        first = bisect.bisect_right(self.last_exits[fd, op], low)
        for call in calls[first:]:
            if call.enter >= high:
                return
            if call.exit > low:
                yield call

    def judge(self, finding):
        """(`true`, `open` or `false`, why)."""
        fd, sites = finding["fd"], finding["sites"]
        for site in sites.values():
            if site["tid"] not in self.threads:  # what came before the race ended nothing in it
                return "false", f"{site} is of a thread that took no part"
        bad, closed = self.find(sites["bad"]), self.find(sites["closed"])
        opened = self.find(sites["opened"]) if "opened" in sites else None
        claims = [(bad, CLOSE, True), (closed, CLOSE, False)] + (
            [(opened, OPEN, False)] if opened else [])
        for call, op, fails in claims:
            if call.fd != fd or call.op != op or (call.ret < 0) != fails:
                return "false", f"{call} is another call"
        if bad.exit < closed.enter or (opened and closed.exit < opened.enter):
            return "false", "out of order"
        own = {(c.tid, c.enter) for c in (closed, opened) if c}
        generations = list(self._generations(fd, opened or closed, bad, own))
        for begin, end in generations:
            if end.enter > closed.exit and end.exit < bad.enter:
                return "false", f"another generation lies between: {begin}, {end}"
        if opened and bad.enter < opened.exit and bad.tid != opened.tid:
            return "open", f"before the generation: {bad}, {opened}"
        for begin, end in generations:
            if self._fits(closed, begin, end, bad):
                return "open", f"another generation may lie between: {begin}, {end}"
        return "true", ""

    def _generations(self, fd, first, bad, own):
        """Opens and closes of the number that may make another generation before the bad close."""
        ends = [c for c in self.between(fd, CLOSE, first.enter, bad.exit) if (c.tid, c.enter) not in own]
        for begin in self.between(fd, OPEN, first.enter, bad.exit):
            if (begin.tid, begin.enter) in own:
                continue
            for end in ends:
                if end.exit > begin.enter:
                    yield begin, end

    @staticmethod
    def _fits(*calls):
        """Can these have taken effect in this order?"""
        now = 0
        for call in calls:
            now = max(now, call.enter)
            if now > call.exit:
                return False
        return all(a.tid != b.tid or a.exit <= b.enter for a, b in zip(calls, calls[1:]))
