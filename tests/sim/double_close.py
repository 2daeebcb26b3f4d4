# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Two closes of one number in one thread, by methods of a class.
# @expect {"kind": "double_close", "severity": "error", "type": "file", "path": "/dev/null",
#   "fd": "fd", "threads": "same", "calls": {"bad": "close", "closed": "close", "opened":
#   "openat"}, "bad": "Store.close@close < Store.__exit__@exit < main@bad < <module>@call",
#   "closed": "Store.close@close < main@closed < <module>@call", "opened":
#   "Store.__init__@opened < main@made < <module>@call"}
import os

from simlib import say, wait_for_tracer


class Store:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY)  # <opened>

    def close(self):
        os.close(self.fd)  # <close>

    def __exit__(self, *exc):
        self.close()  # <exit>


def main():
    store = Store("/dev/null")  # <made>
    say(fd=store.fd)
    store.close()  # <closed>
    try:
        store.__exit__()  # <bad>
    except OSError:
        pass


wait_for_tracer()
main()  # <call>
