# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A forked child has its parent's objects: it closes the number of one behind its back, and the
# object, when the child drops it, closes what the child has opened since. The parent is not touched.
# @expect {"kind": "owned_close", "fd": "fd", "pid": "child", "ownership": "on", "culprit": "bad",
#   "bad": "child@closed", "opened": "<module>@opened", "inherited": ["opened"]}
# @expect {"kind": "reused_close", "fd": "fd", "pid": "child", "ownership": "on", "culprit":
#   "closed", "bad": "child@bad", "closed": "child@closed", "opened": "<module>@opened",
#   "inherited": ["opened"], "victim": "child@victim"}
# @expect {"kind": "double_close", "fd": "fd", "pid": "child", "culprit": "unknown", "bad":
#   "child@failed", "closed": "child@bad", "opened": "child@victim"}
import os

from simlib import say, wait_for_tracer


def child():
    global fp
    os.close(fp.fileno())  # <closed>
    other = os.open(os.__file__, os.O_RDONLY)  # <victim>
    del fp  # <bad>
    try:
        os.close(other)  # <failed>
    except OSError:
        pass
    os._exit(0)


wait_for_tracer()
fp = open(__file__)  # <opened>
say(fd=fp.fileno())
pid = os.fork()
if not pid:
    say(child=os.getpid())
    child()
os.waitpid(pid, 0)
fp.close()
