# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# Correct: close actions of posix_spawn for numbers that are not open are ignored by libc.
import os

from simlib import wait_for_tracer

wait_for_tracer()
actions = [(os.POSIX_SPAWN_CLOSE, 60), (os.POSIX_SPAWN_CLOSE, 61)]
child = os.posix_spawn("/bin/true", ["true"], os.environ, file_actions=actions)
assert os.waitpid(child, 0)[1] == 0
