# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# The file object is part of a cycle: the collector finalizes it in a function that has nothing to
# do with it.
# @expect {"kind": "owned_close", "fd": "fd", "ownership": "on", "culprit": "bad", "bad":
#   "main@closed", "opened": "main@opened"}
# @expect {"kind": "double_close", "fd": "fd", "culprit": "closed", "origin": {"bad": "finalizer"},
#   "bad": "innocent@collect", "closed": "main@closed", "opened": "main@opened"}
import gc
import os

from simlib import say, wait_for_tracer


class Holder:
    pass


def main():
    holder = Holder()
    holder.fp = open(__file__)  # <opened>
    holder.self = holder
    say(fd=holder.fp.fileno())
    os.close(holder.fp.fileno())  # <closed>


def innocent():
    gc.collect()  # <collect>


wait_for_tracer()
gc.disable()
main()
innocent()
