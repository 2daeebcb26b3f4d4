#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Popular packages must be quiet: a usual job of each, with its processes, under fdtrace.

Installs each package from PyPI into the cache, for several Pythons, runs jobs/NAME_job.py with it, and
prints a line of docs/healthy.md's table. A finding above info that is not explained below, or a job that
fails, ends this with 1, and so does it that none can be run. What is not to be had here is skipped, with
the reason. Needs root and, for what is not in the cache, a network.

    run.py [--python VERSION]… [--job NAME]…
"""
import argparse
import collections
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "e2e")]
import harness  # noqa: E402
import packages  # noqa: E402

LIMIT = 300 * harness.SLOW
VERSIONS = [(3, 11), (3, 12), (3, 8), (3, 7)]
# What pip is asked for: what it takes is the newest for that Python, and is said in the table.
JOBS = {"joblib": ["joblib", "joblib==0.12", "joblib==0.14.1", "joblib==1.1.1", "joblib==1.3.2",
                   "joblib==1.4.2"],
        "dask": ["dask[bag]"], "celery": ["celery"], "gunicorn": ["gunicorn"],
        "jupyter": ["ipykernel"], "xdist": ["pytest-xdist"], "black": ["black"], "pip": ["pip"],
        "ansible": ["ansible-core"], "scrapy": ["scrapy"]}
# (job, kind, innermost function) of findings above info that its code confirms: why.
EXPLAINED = {}
# The Pythons, from and to, that a package at this version is made for; others from 3.8 on.
FITS = {"joblib==0.12": ((3, 7), (3, 7)), "joblib==0.14.1": ((3, 7), (3, 8)),
        "joblib==1.1.1": ((3, 7), (3, 8)), "joblib==1.3.2": ((3, 7), (3, 11)),
        "joblib==1.4.2": ((3, 8), (3, 11))}
ANY = ((3, 8), (3, 99))


def version_in(folder, package):
    """As pip has installed it."""
    name = package.partition("=")[0].partition("[")[0].replace("-", "_").lower()
    found = [p.stem.split("-")[1] for p in Path(folder).glob("*.dist-info")
             if p.name.split("-")[0].lower().replace("-", "_") == name]
    return found[0] if found else "?"


def innermost(finding):
    frames = finding["sites"]["bad"].get("python") or [{}]
    return frames[0].get("function", "")


def run(python, job, package):
    """Is it healthy? None: it is not to be had for this Python."""
    oldest, newest = FITS.get(package, ANY)
    if not oldest <= python.version <= newest:
        return None
    try:
        folder = str(packages.install(python, package))
    except packages.Unavailable as why:
        print(f"skipped: {package} for {python.label}: {why}", flush=True)
        return None
    program = str(HERE / "jobs" / f"{job}_job.py")
    env = harness.clean_env(PYTHONPATH=folder, PYTHONWARNINGS="ignore")
    result = harness.Run([], [python.path, program], env).finish(seconds=LIMIT)
    counts = collections.Counter()
    loud = []
    for finding in result.findings:
        counts[finding["severity"], finding["kind"]] += finding["count"]
        if finding["severity"] != "info":
            loud.append(finding)
    told = ", ".join(f"{n} {kind} ({level})" for (level, kind), n in sorted(counts.items()))
    print(f"| {package.partition('=')[0]} {version_in(folder, package)} | {python.label} "
          f"| {result.summary['records']} | {told or 'nothing'} |", flush=True)
    for finding in loud:
        why = EXPLAINED.get((job, finding["kind"], innermost(finding)))
        print("  " + (f"explained: {why}" if why else "NOT EXPLAINED: " + finding["explanation"]))
    if result.code:
        print(f"  the job failed, {result.code}: {result.stderr[-500:]}")
    return not result.code and all(
        (job, f["kind"], innermost(f)) in EXPLAINED for f in loud)


def chosen(versions):
    found = {}
    for python in harness.pythons():
        if python.version in versions and not python.launched and not python.kind:
            found.setdefault(python.version, python)
    return [found[v] for v in versions if v in found]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--python", action="append")
    options.add_argument("--job", action="append", choices=JOBS)
    given = options.parse_args()
    versions = [tuple(map(int, v.split("."))) for v in given.python or ()] or VERSIONS
    os.nice(10)
    print("| package | Python | records | findings |\n|---|---|---|---|")
    healthy = [run(python, job, package) for python in chosen(versions)
               for job in given.job or JOBS for package in JOBS[job]]
    print(f"{healthy.count(True)} passed, {healthy.count(False)} failed")
    sys.exit(False in healthy or True not in healthy)


if __name__ == "__main__":
    main()
