# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A child that becomes a daemon: it closes everything that may be open.

needs: python-daemon==2.3.2
truth: none
"""
import os

import daemon

from proof import begin

begin()
r, w = os.pipe()
pid = os.fork()
if not pid:
    os.close(r)
    with daemon.DaemonContext(files_preserve=[w], detach_process=True):
        os.write(w, b"x")
    os._exit(0)
os.close(w)
assert os.read(r, 2) == b"x"
os.read(r, 1)
os.close(r)
os.waitpid(pid, 0)
