# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Work in processes that loky starts: it sweeps over what is open, by a list that holds its own number.

needs: joblib==1.3.2
truth: none
"""
from math import sqrt

from joblib import Parallel, delayed

from proof import begin

if __name__ == "__main__":
    begin()
    assert Parallel(n_jobs=2)(delayed(sqrt)(n * n) for n in range(4)) == [0.0, 1.0, 2.0, 3.0]
