# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Closed numbers in select, poll, epoll: select fails without saying of which; poll has no error;
# epoll_ctl names it.
# @expect {"kind": "use_after_close", "fd": "fd", "bad": "<module>@bad", "closed":
#   "<module>@closed", "opened": "<module>@opened", "calls": {"bad": "epoll_ctl"}}
import os
import select

from simlib import say, wait_for_tracer

wait_for_tracer()
epoll = select.epoll()
number = os.open("/dev/null", os.O_RDONLY)  # <opened>
say(fd=number)
os.close(number)  # <closed>
try:
    select.select([number], [], [], 0)
except OSError:
    pass
poll = select.poll()
poll.register(number)
assert poll.poll(0)[0][1] & select.POLLNVAL
try:
    epoll.register(number)  # <bad>
except OSError:
    pass
epoll.close()
