# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What shells, launchers and daemons do with numbers.

truth(redirections): none
truth(heredoc): none
truth(daemon): none
truth(loky): none
truth(pty): none
truth(close_fds): none
truth(preexec): none
"""
import os
import pty
import subprocess
import sys

from proof import FORM, begin


def shell(line):
    assert subprocess.call(["sh", "-c", line]) == 0


def redirections():
    shell("exec 3</dev/null 4>&1; exec 3<&- 4>&-; exec 3<&-; { echo x; } 3>&1 >/dev/null 3>&-")


def heredoc():
    shell("cat <<. | cat >/dev/null\nx\n.\nx=$(echo y | cat); exit 0")


def daemon():
    """Forks twice, and closes whatever there may be."""
    r, w = os.pipe()
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        os.close(r)
        for number in range(128):
            if number != w:
                try:
                    os.close(number)
                except OSError:
                    pass
        os.open("/dev/null", os.O_RDWR)
        os.dup2(0, 1)
        os.dup2(0, 2)
        os.write(w, b"x")
        os._exit(0)
    os.close(w)
    os.wait()
    assert os.read(r, 2) == b"x"
    assert os.read(r, 1) == b""
    os.close(r)


def loky():
    """The child of a fork closes what it is not to keep, by a list of /proc that holds its own number,
    and starts anew."""
    pid = os.fork()
    if not pid:
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2:
                try:
                    os.close(int(name))
                except OSError:
                    pass
        os.execv(sys.executable, [sys.executable, "-S", "-c", ""])
    assert os.waitpid(pid, 0)[1] == 0


def terminal():
    pid, leader = pty.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-S", "-c", "print(1)"])
    while True:
        try:
            if not os.read(leader, 1024):
                break
        except OSError:  # the other side is gone
            break
    os.waitpid(pid, 0)
    os.close(leader)


def close_fds():
    kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
    for close in (True, False):
        out = subprocess.check_output([sys.executable, "-S", "-c", "print(1)"], close_fds=close)
        assert out == b"1\n"
    for number in kept:
        os.close(number)


def preexec():
    def sweep():
        for number in range(20, 64):
            try:
                os.close(number)
            except OSError:
                pass
    assert subprocess.call([sys.executable, "-S", "-c", ""], preexec_fn=sweep, close_fds=False) == 0


begin()
{"pty": terminal}.get(FORM, globals().get(FORM))()
