# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""An executor of loky's.

needs: loky==3.4.1
truth: none
"""
import loky

from proof import begin

if __name__ == "__main__":
    begin()
    with loky.ProcessPoolExecutor(max_workers=2) as executor:
        assert list(executor.map(abs, [-1, 2, -3])) == [1, 2, 3]
