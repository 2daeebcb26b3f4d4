# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""joblib: processes by loky and by multiprocessing, threads, a memory on disk."""
import tempfile

import joblib


def square(n):
    with open("/dev/null") as file:
        file.read()
    return n * n


def main():
    wanted = [n * n for n in range(20)]
    for backend in ("loky", "multiprocessing", "threading"):
        for _ in range(2):
            jobs = (joblib.delayed(square)(n) for n in range(20))
            assert joblib.Parallel(n_jobs=2, backend=backend)(jobs) == wanted, backend
    with tempfile.TemporaryDirectory() as folder:
        cached = joblib.Memory(folder, verbose=0).cache(square)
        assert cached(3) == cached(3) == 9
        joblib.dump(wanted, folder + "/wanted")
        assert joblib.load(folder + "/wanted") == wanted


if __name__ == "__main__":
    main()
