# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# __del__ closes what close() has closed already; the collector finds the object in a cycle.
# @expect {"kind": "double_close", "type": "file", "fd": "fd", "bad": "Handle.__del__@bad <
#   <module>@collect", "closed": "Handle.close@closed < <module>@close", "opened":
#   "Handle.__init__@opened < <module>@made"}
import gc
import os

from simlib import say, wait_for_tracer


class Handle:
    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # <opened>
        self.me = self

    def close(self):
        os.close(self.fd)  # <closed>

    def __del__(self):
        try:
            os.close(self.fd)  # <bad>
        except OSError:
            pass


wait_for_tracer()
handle = Handle()  # <made>
say(fd=handle.fd)
handle.close()  # <close>
del handle
gc.collect()  # <collect>
