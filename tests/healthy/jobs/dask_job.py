# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""dask: bags and delayed calls by processes and by threads."""
import dask
import dask.bag


def square(n):
    return n * n


def main():
    wanted = [n * n for n in range(20)]
    bag = dask.bag.from_sequence(range(20), npartitions=4).map(square)
    for scheduler in ("processes", "threads", "synchronous"):
        assert list(bag.compute(scheduler=scheduler, num_workers=2)) == wanted, scheduler
        jobs = [dask.delayed(square)(n) for n in range(20)]
        assert list(dask.compute(*jobs, scheduler=scheduler, num_workers=2)) == wanted


if __name__ == "__main__":
    main()
