#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Runs the corpus under fdtrace, and prints how much of what is told is right.

Usage: run.py [--python PYTHON…] [--only WORD] [--packages] [--each] [--verbose]
Needs root. Ends with 1 if something wrong was told as certain.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "e2e"), str(FOLDER.parent)]
import corpus  # noqa: E402
import harness  # noqa: E402
import packages  # noqa: E402

BATCH = 24
SKIPPED = 77


@dataclass
class Ran:
    """One run: its truth, how the program ended, and the findings above info."""

    truth: corpus.Truth
    status: int
    said: str
    findings: list

    @property
    def skipped(self):
        return self.status == SKIPPED

    @property
    def failed(self):
        return self.status not in (0, SKIPPED)


def known():
    """The programs of which something wrong is told as certain today."""
    lines = (FOLDER / "wrong_today").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def environment(python, truth):
    """Of one run: with its packages, which are installed if they are not there; Unavailable."""
    env = {**harness.clean_env(), "LC_ALL": "C.UTF-8"}
    folders = [str(packages.install(python, need)) for need in truth.program.needs]
    if folders:
        env["PYTHONPATH"] = os.pathsep.join([str(corpus.PROGRAMS), env["PYTHONPATH"], *folders])
    return env


def ready(python, truths):
    """The truths whose packages are to be had, each with its environment, and the others' ends."""
    found, skipped = [], []
    for truth in truths:
        try:
            found.append((truth, environment(python, truth)))
        except packages.Unavailable as why:
            skipped.append(Ran(truth, SKIPPED, f"skip: not to be had: {why}", []))
    return found, skipped


def _windows(findings, results):
    """The findings of each: those since its beginning, before the next one's."""
    begins = [r["begin"] for r in results] + [float("inf")]
    return [[f for f in findings if begin <= int(f["time_unix_nano"]) < end]
            for begin, end in zip(begins, begins[1:])]


def run_batch(python, truths):
    """Runs these one after the other, under one fdtrace."""
    found, skipped = ready(python, truths)
    if not found:
        return skipped
    with tempfile.TemporaryDirectory(prefix="fdtrace-corpus-") as folder:
        runs, results = Path(folder, "runs"), Path(folder, "results")
        wanted = [{"command": t.command(python.path), "env": env} for t, env in found]
        runs.write_text(json.dumps(wanted))
        command = [sys.executable, "-B", str(FOLDER / "batch.py"), str(runs), str(results)]
        seconds = harness.TIMEOUT + 3 * harness.SLOW * len(truths)
        traced = harness.Run([], command).finish(seconds=seconds)
        if traced.code not in (0, 1) or not results.exists():
            raise RuntimeError(f"fdtrace ended with {traced.code}: {traced.stderr}")
        done = json.loads(results.read_text())
    parts = _windows(traced.findings, done)
    return skipped + [Ran(truth, end["status"], end["said"], corpus.folded(part))
                      for (truth, _), end, part in zip(found, done, parts)]


def run_attached(python, truth):
    """Runs one that fdtrace is attached to where it waits."""
    result = harness.attached(truth.command(python.path), env=environment(python, truth),
                              stderr=subprocess.DEVNULL)
    return [Ran(truth, result.status, result.stdout, corpus.folded(result.findings))]


def run_all(python, truths, workers, size=BATCH):
    """Every run, in no order."""
    started = [t for t in truths if not t.attached]
    jobs = [(run_batch, started[i:i + size]) for i in range(0, len(started), size)]
    jobs += [(run_attached, t) for t in truths if t.attached]
    with ThreadPoolExecutor(workers) as farm:
        done = farm.map(lambda job: job[0](python, job[1]), jobs)
        return [ran for part in done for ran in part]


# --- the score -----------------------------------------------------------------------------


def share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def place(judge, finding, site):
    name = judge.truth.program.path.name
    lines = judge.lines(finding, site)
    frames = finding.get("sites", {}).get(site, {}).get("python", [])
    if lines:
        inner = next(f for f in frames if f["file"] == str(judge.truth.program.path))
        return f"{inner['function']} {name}:{lines[0]}"
    return frames[0]["function"] if frames else "nowhere" if lines is not None else "-"


def told(judge, finding):
    """A finding in one line."""
    sites = ", ".join(f"{site} {place(judge, finding, site)}" for site in ("bad", "closed")
                      if site in finding.get("sites", {}))
    return (f"{finding['kind']} ({finding['certainty']}, {finding.get('attribution', 'none')}), "
            f"culprit {finding['culprit']}: {sites}")


class Score:
    """Counts runs by kind, and findings by how sure they are."""

    def __init__(self):
        self.kinds = collections.defaultdict(collections.Counter)
        self.groups = collections.defaultdict(collections.Counter)
        self.bests = collections.defaultdict(collections.Counter)
        self.sure = collections.defaultdict(collections.Counter)
        self.wrong, self.failed, self.notes = [], [], []

    def add(self, ran):
        truth, judge = ran.truth, corpus.Judge(ran.truth)
        if ran.failed:
            self.failed.append(f"{truth.id}: {ran.said.strip()[-300:]}")
        if ran.failed or ran.skipped:
            self.notes += [f"skipped: {truth.id}: {ran.said.strip()}"] if ran.skipped else []
            return
        row = self.kinds[truth.kind]
        row["runs"] += 1
        verdicts = [(f, *judge.verdict(f)) for f in ran.findings]
        for finding, verdict, exact in verdicts:
            self.add_finding(judge, finding, verdict, exact)
        self.add_run(row, ran, verdicts)

    def add_finding(self, judge, finding, verdict, exact):
        """Says whether it is wrong where it says that it is certain."""
        truth, attribution = judge.truth, finding.get("attribution", "none")
        sure = self.sure[attribution]
        sure[verdict] += 1
        sure["exact"] += exact and verdict == "right"
        if verdict != "wrong":
            return
        self.kinds[truth.kind]["wrong"] += 1
        certain = attribution == "proven" or attribution == "none" and finding["certainty"] == "fact"
        (self.wrong if certain else self.notes).append(f"{truth.id}: {told(judge, finding)}")

    def add_run(self, row, ran, verdicts):
        truth = ran.truth
        roots = [v for v in verdicts if corpus.is_root(v[0])]
        named = [v for v in verdicts if v[1] == "right"]
        row["found"] += any(f["kind"] == truth.kind for f, _, _ in verdicts)
        row["named"] += bool(named)
        row["lines"] += any(exact for _, _, exact in named)
        row["quiet"] += not verdicts
        row["roots"] += len(roots)
        if truth.kind == "none":
            return
        strongest = max((f.get("attribution", "none") for f, _, _ in named), default="nobody",
                        key=lambda a: STRENGTHS.index(a))
        self.bests[truth.best][strongest] += 1
        group = self.groups["written to mislead" if truth.program.misleads else
                            "packages" if truth.program.needs else "the others"]
        group["runs"] += 1
        group["named"] += bool(named)
        group["one"] += len(roots) == 1
        if not named:
            what = "; ".join(told(corpus.Judge(truth), f) for f in ran.findings) or "nothing"
            self.notes.append(f"nobody named: {truth.id}: {what}")

    def print(self, title, verbose):
        runs = sum(row["runs"] for row in self.kinds.values())
        print(f"{title}: {runs} programs, WRONG as certain: {len(self.wrong)}")
        for line in self.wrong:
            print(f"  WRONG {line}{'' if line.split(':')[0] in known() else '  (new)'}")
        for line in self.failed:
            print(f"  the program failed: {line}")
        for line in self.notes if verbose else ():
            print(f"  {line}")
        self.print_kinds()
        self.print_sure()
        self.print_bests()

    def print_kinds(self):
        print(f"{'kind':22}{'programs':>9}{'of kind':>9}{'named':>7}{'lines':>7}{'recall':>9}"
              f"{'roots':>7}{'wrong':>7}")
        for kind, row in sorted(self.kinds.items()):
            healthy = kind == "none"
            right = row["quiet"] if healthy else row["named"]
            print(f"{kind if not healthy else 'none (healthy)':22}{row['runs']:9}"
                  f"{row['quiet'] if healthy else row['found']:9}{right:7}{row['lines']:7}"
                  f"{share(right, row['runs']):>9}{row['roots']:7}{row['wrong']:7}")

        for group, row in sorted(self.groups.items()):
            print(f"{group:22}{row['runs']:9}{'':9}{row['named']:7}{'':7}"
                  f"{share(row['named'], row['runs']):>9}   one bug, one finding: {row['one']}")

    def print_sure(self):
        print(f"{'attribution':22}{'right':>9}{'wrong':>9}{'open':>7}{'lines':>7}{'precision':>11}{'follow':>8}")
        for attribution, row in sorted(self.sure.items()):
            judged = row["right"] + row["wrong"]
            print(f"{attribution:22}{row['right']:9}{row['wrong']:9}{row['open']:7}{row['exact']:7}"
                  f"{share(row['right'], judged):>11}{row['follows']:8}")

    def print_bests(self):
        print(f"{'named, where at best':22}" + "".join(f"{told:>9}" for told in reversed(STRENGTHS)))
        for best in ("proven", "likely", "open"):
            row = self.bests[best]
            print(f"{best:22}" + "".join(f"{row[told]:9}" for told in reversed(STRENGTHS)))


STRENGTHS = ("nobody", "none", "open", "likely", "proven")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", nargs="*", default=[], help="interpreters, or their versions")
    parser.add_argument("--only", default="", help="a part of the names of programs")
    parser.add_argument("--each", action="store_true", help="each program under an fdtrace of its own")
    parser.add_argument("--packages", action="store_true", help="those of packages, too: installs them")
    parser.add_argument("--verbose", action="store_true", help="what was missed, too")
    options = parser.parse_args()
    every = [*corpus.truths(), *(corpus.truths(corpus.PACKAGES) if options.packages else ())]
    chosen = [t for t in every if options.only in t.id]
    wanted = [p for p in harness.pythons() if p.path in options.python
              or any(p.label.startswith(name) for name in options.python)]
    wrong = 0
    for python in wanted or [harness.system_python()]:
        truths = [t for t in chosen if t.runs_on(python.version)]
        score = Score()
        for ran in run_all(python, truths, os.cpu_count(), 1 if options.each else BATCH):
            score.add(ran)
        score.print(python.label, options.verbose)
        wrong += len(score.wrong) + len(score.failed)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
