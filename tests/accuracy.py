#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Precision and recall by kind of finding, over the simulators of tests/sim, with ownership on and
off.

Every simulator says what must be found in it. A finding that meets an expectation is right, one
that meets none is wrong, an expectation that nothing meets is missed. Needs root.
"""
import collections
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "e2e"))
import harness  # noqa: E402
from simulator import MODES, Case, brief, differences, simulators  # noqa: E402


def cases(ownership):
    """Every simulator, in each way of tracing, on each Python."""
    for mode in MODES:
        for sim in simulators(".c"):
            if sim.runs(mode):
                yield Case(sim, mode, None, ownership)
        for python in harness.pythons():
            for sim in simulators(".py"):
                if sim.runs(mode, python.version):
                    yield Case(sim, mode, python, ownership)


class Score:
    def __init__(self):
        self.right, self.wrong, self.missed = (collections.Counter() for _ in range(3))
        self.lines = []

    def add(self, case, result, sight):
        left = list(result.findings)
        for want in case.expected(sight):
            met = [f for f in left if not differences(sight, want, f)]
            left = [f for f in left if f not in met]
            for finding in met:
                self.right[finding["kind"], finding["certainty"]] += finding["count"]
            promised = want.get("count", 1)
            least = promised if isinstance(promised, int) else int(promised == "any")
            short = least - sum(f["count"] for f in met)
            if short > 0:
                self.missed[want["kind"]] += short
                self.lines.append(f"missed: {case.id}: {want}")
        for finding in left:
            self.wrong[finding["kind"], finding["certainty"]] += finding["count"]
            self.lines.append(f"wrong: {case.id}: {brief(finding)}")

    def print(self):
        print(f"{'kind':22}{'said as':11}{'right':>7}{'wrong':>7}{'missed':>7}"
              f"{'precision':>11}{'recall':>9}")
        for kind, certainty in sorted({*self.right, *self.wrong,
                                       *((kind, "fact") for kind in self.missed)}):
            right, wrong = self.right[kind, certainty], self.wrong[kind, certainty]
            missed = self.missed[kind] if certainty == "fact" else 0
            print(f"{kind:22}{certainty:11}{right:7}{wrong:7}{missed:7}"
                  f"{share(right, wrong):>11}{share(right, missed):>9}")


def share(part, rest):
    return f"{100 * part / (part + rest):.2f} %" if part + rest else "-"


def run(case):
    try:
        return case, case.run(), None
    except Exception as error:  # the others go on
        return case, None, error


def score_all(ownership):
    """Prints the table of one setting; whether all was as expected."""
    score, ran, failed = Score(), 0, []
    with ThreadPoolExecutor(os.cpu_count()) as farm:
        for case, outcome, error in farm.map(run, cases(ownership)):
            if error:
                failed.append(f"failed: {case.id}: {error}")
            elif not outcome[0].stdout.startswith("skip: "):
                ran += 1
                score.add(case, *outcome)
    print(*score.lines, *failed, sep="\n")
    programs = len(simulators(".c")) + len(simulators(".py"))
    print(f"ownership {ownership}: {ran} runs of {programs} programs")
    score.print()
    return not (failed or score.wrong or score.missed)


def main():
    # A list, not a generator: both are run.
    return 0 if all([score_all("on"), score_all("off")]) else 1


if __name__ == "__main__":
    sys.exit(main())
