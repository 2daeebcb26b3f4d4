# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What the benchmark makes of its measurements: medians, what ownership costs, the aims, tables.

It measures nothing. A measurement is {case: {arm name: [nanoseconds of one turn, one a round]}},
where a case is (loop, depth) and the rounds of all arms come in the same order; and beside it
{case: [how many times as long a turn takes with ownership as without, one a round]}.
"""

import math
import statistics

LABELS = {"open": "open().close()", "raw": "os.close(os.open())",
          "socket": "socket.socket().close()", "fileio": "io.FileIO().close()",
          "fstat": "os.fstat()"}

# The aims, which --check holds the medians to. Of a loop that makes and closes descriptors: how
# much more fdtrace may add to it with ownership than without, as a ratio.
OWNERSHIP_RATIOS = {"open": 1.25, "raw": 1.08, "socket": 1.3, "fileio": 1.3}
# Of a system call that fdtrace reports nothing of, but may look for an owner at: nanoseconds.
OWNERSHIP_NS = {"fstat": 350}
# From SIGINT to the end of fdtrace: milliseconds.
GONE_MS = 50


def lower_quartile(values):
    return sorted(values)[len(values) // 4]


def upper_quartile(values):
    return sorted(values)[-1 - len(values) // 4]


def spread(values, digits):
    """The median, and the quartiles between which half of the values lie."""
    return {"median": round(statistics.median(values), digits),
            "lower": round(lower_quartile(values), digits),
            "upper": round(upper_quartile(values), digits)}


def ownership(loop, arms, owned):
    """What asking who owns what costs in one case, over the rounds, and the aim; None where an arm
    that it takes was not measured.

    The figure is (default - bare) / (unowned - bare), where default is unowned times what two
    processes at once say of the two: of arms that are seconds apart the difference would be mostly
    noise. Both of these pay for a look at the other's calls, as every process does beside a tracer;
    that is all that tells this default from the arm's.

    It is worked out in each round, whose arms share more than rounds do of what changes on a shared
    machine."""
    if not owned:
        return None
    added = [unowned * (ratio - 1) for unowned, ratio in zip(arms["unowned"], owned)]
    adds = {"added_ns": round(statistics.median(added))}
    if loop in OWNERSHIP_NS:
        values = [default - bare for default, bare in zip(arms["default"], arms["bare"])]
        return {"unit": "ns", "aim": OWNERSHIP_NS[loop], **adds, **spread(values, 0)}
    values = [1 + more / (unowned - bare) if unowned > bare else math.inf
              for more, unowned, bare in zip(added, arms["unowned"], arms["bare"])]
    return {"unit": "ratio", "aim": OWNERSHIP_RATIOS[loop], **adds, **spread(values, 3)}


def summarize(measured, owned):
    """One row for each case: medians over the rounds, their ratio to bare, what they add to it."""
    rows = []
    for case, arms in measured.items():
        loop, depth = case
        bare = statistics.median(arms["bare"])
        row = {"loop": loop, "depth": depth, "arms": {},
               "ownership": ownership(loop, arms, owned[case])}
        for name, values in arms.items():
            median = statistics.median(values)
            row["arms"][name] = {"median_ns": round(median), "ratio": round(median / bare, 3),
                                 "added_ns": round(median - bare),
                                 "ns": [round(value) for value in values]}
        rows.append(row)
    return rows


def label(row):
    return f"{LABELS[row['loop']]}, {row['depth']}"


def in_unit(value, unit):
    return f"{value:.0f} ns" if unit == "ns" else f"{value:.2f}x"


def print_arms(rows, names):
    """A table of the loops under some of the arms, beside bare."""
    names = [name for name in names if name in rows[0]["arms"]]
    if not names:
        return
    print(f"{'loop':26}{'bare':>7}" + "".join(f"{name:>16}" for name in names))
    for row in rows:
        line = f"{label(row):26}{row['arms']['bare']['median_ns']:7}"
        for name in names:
            arm = row["arms"][name]
            ratio = f"({arm['ratio']:.{2 if arm['ratio'] < 10 else 0}f}x)"
            line += f"{arm['median_ns']:8} {ratio:>7}"
        print(line)
    print()


def print_ownership(rows):
    rows = [row for row in rows if row["ownership"]]
    if not rows:
        return
    print(f"{'ownership':26}{'adds':>10}{'figure':>9}{'quartiles':>20}{'aim':>10}")
    for row in rows:
        cost = row["ownership"]
        median, lower, upper, aim = (in_unit(cost[key], cost["unit"])
                                     for key in ("median", "lower", "upper", "aim"))
        adds = in_unit(cost["added_ns"], "ns")
        print(f"{label(row):26}{adds:>10}{median:>9}{f'{lower} to {upper}':>20}{aim:>10}")
    print("\nfigure: (default - bare) / (unowned - bare), of os.fstat() default - bare; median and",
          "quartiles of\nthe rounds. adds: default - unowned.\n")


def print_tables(report):
    print(f"{report['executable']}: {report['python']}; Linux {report['kernel']},",
          f"{report['cpus']} CPUs.\nNanoseconds of the thread's CPU time for one turn (ratio to bare):",
          f"medians of {report['rounds']} rounds in which\nall arms alternate, of the lower quartile",
          "of short slices. Depth: Python frames at the call.\n")
    print_arms(report["rows"], ("unowned", "default", "strace", "bpftrace"))
    print_arms(report["rows"], ("other", "native"))
    print_ownership(report["rows"])
    for name, gone in report["gone_ms"].items():
        print(f"{name}: gone {gone['median']:.0f} ms after SIGINT, at most {gone['most']:.0f} ms,",
              f"of {gone['count']} times")
    if report["calls"]:
        print(f"fdtrace: {report['records']} records of {report['calls']} calls,",
              f"{report['lost']} lost")
    for name, reason in report["skipped"].items():
        print(f"{name}: skipped: {reason}")


def summarize_gone(milliseconds):
    """{arm name: milliseconds from SIGINT to the end, summed up}."""
    return {name: {"median": round(statistics.median(values), 1), "most": round(max(values), 1),
                   "count": len(values)}
            for name, values in milliseconds.items() if values}


def missed_aims(report):
    """The aims that this measurement misses, in words."""
    for row in report["rows"]:
        cost = row["ownership"]
        if cost is None:
            yield f"{label(row)}: what ownership costs was not measured"
        elif cost["median"] > cost["aim"]:
            unit = cost["unit"]
            yield (f"{label(row)}: ownership costs {in_unit(cost['median'], unit)}, "
                   f"aim {in_unit(cost['aim'], unit)}")
    for name, gone in report["gone_ms"].items():
        if gone["median"] > GONE_MS:
            yield f"{name}: gone {gone['median']:.0f} ms after SIGINT, aim {GONE_MS} ms"
