# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Locks on files by filelock, portalocker and fasteners.

needs: filelock==3.0.12
needs: portalocker==2.3.2
needs: fasteners==0.18
truth: none
"""
import os
import tempfile

import fasteners
import filelock
import portalocker

from proof import begin

begin()
with tempfile.TemporaryDirectory() as folder:
    for _ in range(3):
        with filelock.FileLock(os.path.join(folder, "a")):
            pass
        with portalocker.Lock(os.path.join(folder, "b")):
            pass
        with fasteners.InterProcessLock(os.path.join(folder, "c")):
            pass
