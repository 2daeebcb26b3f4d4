# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The log of programs/owner_walk.py, and what is true of a finding by it.

Owns: which call a site of a finding is (by its time: the calls of the walk come one after the
other), what has to be told of each call, and what must not be said.
"""
import bisect
import json
from collections import Counter

THEFTS = ("owned_close", "reused_close")


class Walked:
    def __init__(self, text):
        lines = [json.loads(line) for line in text.split("\n") if line]
        self.failed = [line["failed"] for line in lines if "failed" in line]
        self.whole = any("end" in line for line in lines)
        self.calls = sorted((c for c in lines if "op" in c and c["name"] != "wait"),
                            key=lambda c: c["enter"])
        self.enters = [c["enter"] for c in self.calls]
        self.shift = 0
        self.told = Counter()  # what was said, by kind and truth
        self.found = {}  # op: findings
        self.suspected = {}  # likewise, of those that are no facts
        self.false = []

    def set_clock(self, findings):
        """From CLOCK_BOOTTIME to what the findings say."""
        walked = [c for c in self.calls if c["name"] == "calibrate"]
        said = [f["sites"]["bad"] for f in findings
                if any(p["function"] == "calibrate" for p in f["sites"]["bad"].get("python", []))]
        assert len(said) == len(walked) == 5, (len(said), len(walked))
        low = max(int(s["time_unix_nano"]) - c["exit"] for s, c in zip(said, walked))
        high = min(int(s["time_unix_nano"]) - c["enter"] for s, c in zip(said, walked))
        assert low <= high, (low, high)
        self.shift = (low + high) // 2

    def call(self, site):
        """Which call of the walk a site is; None: one that is not in the log."""
        moment = int(site["time_unix_nano"]) - self.shift
        at = bisect.bisect_right(self.enters, moment + 2000) - 1
        near = [c for c in self.calls[max(0, at - 7):at + 1] if moment <= c["exit"] + 2000]
        # Calls of a microsecond follow each other: the one that was going on comes first.
        going_on = [c for c in near if c["enter"] <= moment <= c["exit"]]
        return (going_on or near or [None])[-1]

    def judge(self, findings):
        """Fills false, found, told. Only facts are judged. Of a raw number that is closed again
        nothing says which of its generations was meant: such a one is counted, as raw."""
        self.set_clock(findings)
        for finding in findings:
            bad = finding["sites"].get("bad")
            call = self.call(bad) if bad and "time_unix_nano" in bad else None
            if call and call["name"] == "calibrate":
                continue
            if finding["certainty"] != "fact":
                self.told["suspected", finding["kind"], call["name"] if call else "?"] += 1
                self.suspected.setdefault(call and call["op"], []).append(finding)
                continue
            why = self.why_false(finding, call)
            raw = why and why.endswith("(raw number)")
            if why and not raw:
                self.false.append((why, finding, call))
            if call:
                self.found.setdefault(call["op"], []).append(finding)
            self.told["raw" if raw else "false" if why else "true", finding["kind"], call["name"] if call else "?"] += 1

    def why_false(self, finding, call):
        kind, sites = finding["kind"], finding["sites"]
        if not call or "out" not in call:
            return "a call that closes nothing is accused"
        if call["fd"] != finding["fd"] or call["pid"] != finding["process"]["pid"]:
            return "another number or process"
        out, meant = call["out"], call["meant"]
        closed = sites.get("closed", {})
        closed_by = self.call(closed) if "time_unix_nano" in closed else None
        opened = sites.get("opened", {})
        opened_by = self.call(opened) if "time_unix_nano" in opened else None
        if kind == "owned_close":
            if out == "own" and call["how"] == "method":
                return "a rightful close is accused"
            if out == "ebadf" or not call["owned"]:
                return "nobody owned it"
            if opened_by and opened_by["op"] not in call["ended"]["opened"]:
                return "its open was another"
            return None
        if kind == "reused_close":
            if out != "another's":
                return "it ended no generation of another"
            if closed_by and closed_by["op"] != meant["ended"]:
                return "its first close was another"
            if opened_by and opened_by["op"] not in meant["opened"]:
                return "its first open was another"
            victim = finding["victim"].get("opened", {})
            victim_by = self.call(victim) if "time_unix_nano" in victim else None
            if victim_by and victim_by["op"] not in call["ended"]["opened"]:
                return "its victim was another"
            if finding["culprit"] == "bad" and meant["wrong"]:
                return "who is stolen from is accused"
            if finding["culprit"] == "closed" and not meant["wrong"]:
                return "a rightful first close is accused"
            return None
        if out == "use":
            if call["errno"] is None:
                return "the call did not fail"
        elif out != "ebadf":
            return "the close did not fail"
        if closed_by and closed_by["op"] != meant["ended"]:
            return "its first close was another" + (
                "" if call["how"] == "method" else " (raw number)")
        if opened_by and opened_by["op"] not in meant["opened"]:
            return "its open was another" + ("" if call["how"] == "method" else " (raw number)")
        if finding["culprit"] == "bad" and meant["wrong"]:
            return "who is stolen from is accused"
        if finding["culprit"] == "closed" and not meant["wrong"]:
            return "a rightful first close is accused"
        return None

    def due(self):
        """(call, kinds) of what has to be told as a fact: nothing that came before the attach."""
        begun = next(c["enter"] for c in self.calls if c["name"] == "calibrate")
        traced = [c for c in self.calls if c["enter"] >= begun]
        seen = {c["op"] for c in traced}
        for call in traced:
            out = call.get("out")
            if not out or call["pid"] != self.calls[0]["pid"] or call["meant"]["how"] == "range":
                continue
            if call["meant"]["ended"] and call["meant"]["ended"] not in seen:
                continue
            if out in ("own", "another's") and call["how"] == "os" and call["owned"]:
                yield call, THEFTS
            elif out == "another's" and call["how"] == "method" and not call["again"]:
                yield call, THEFTS
            elif out == "ebadf" and call["how"] == "method":
                yield call, ("double_close",)

    def missed(self):
        """({what: due}, {what: missed}), the calls that were missed."""
        due, missed, calls = Counter(), Counter(), []
        for call, kinds in self.due():
            what = (call["name"], call["kind"], call["out"])
            due[what] += 1
            if not any(f["kind"] in kinds for f in self.found.get(call["op"], [])):
                missed[what] += 1
                calls.append(call)
        return due, missed, calls

    def unsaid(self):
        """The calls that had to be told as facts and were not told at all."""
        return [call for call, kinds in self.due()
                if not any(f["kind"] in kinds for found in (self.found, self.suspected)
                           for f in found.get(call["op"], []))]
