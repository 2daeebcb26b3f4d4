# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# bpo-18748: one thread closes a file twice, and the second close takes the descriptor through which
# another thread is just loading libgcc_s, which glibc needs to end a thread: the process aborts. To
# have that every time, the libgcc_s that is found is a FIFO, which the loader waits on.
# @sim {"exit": 134}
# @expect {"kind": "owned_close", "fd": "fd", "ownership": "on", "culprit": "bad", "bad":
#   "guilty@closed < <module>@call", "opened": "guilty@opened < <module>@call"}
# @expect {"kind": "reused_close", "fd": "fd", "ownership": "on", "culprit": "closed", "origin":
#   {"bad": "finalizer", "closed": "os.close"}, "bad": "guilty@bad < <module>@call", "closed":
#   "guilty@closed < <module>@call", "opened": "guilty@opened < <module>@call", "victim":
#   "loader@load"}
# @expect {"kind": "double_close", "fd": "fd", "culprit": "unknown", "ownership": "on", "threads":
#   "different", "closed": "guilty@bad < <module>@call", "opened": "loader@load"}
# @expect {"kind": "reused_close", "certainty": "suspected", "fd": "fd", "culprit": "bad", "ownership":
#   "off", "bad": "guilty@bad < <module>@call", "closed": "guilty@closed < <module>@call", "opened":
#   "guilty@opened < <module>@call", "victim": "loader@load"}
import ctypes
import os
import resource
import shutil
import sys
import tempfile
import threading
import time

from simlib import say, wait_for_tracer


def is_linked_with_libgcc():
    """Debian's 3.15 is: its loader would wait for the FIFO before there is any Python."""
    with open("/proc/self/maps") as maps:
        return "libgcc_s" in maps.read()


def again_with_fifo():
    """Runs this program anew so that the loader finds a FIFO where libgcc_s should be."""
    folder = tempfile.mkdtemp()
    os.mkfifo(os.path.join(folder, "libgcc_s.so.1"))
    os.environ["LD_LIBRARY_PATH"] = folder
    os.execv(sys.executable, [sys.executable, *sys.argv])


def loader():
    ctypes.CDLL(None).pthread_exit(None)  # <load>


def is_reading(number):
    """The other thread waits in read(number), which is system call 0 on x86-64 and 63 on arm64.
    Nothing is opened here before the number is in use again."""
    if not os.path.exists(f"/proc/self/fd/{number}"):
        return False
    try:
        (tid,) = set(os.listdir("/proc/self/task")) - {str(os.getpid())}
        with open(f"/proc/self/task/{tid}/syscall") as file:
            words = file.read().split()
    except (OSError, ValueError):
        return False
    return words[0] in ("0", "63") and int(words[1], 16) == number


def guilty(fifo):
    pipe = os.open(fifo, os.O_RDWR)  # the loader opens it at once, and waits for its content
    fp = open(__file__)  # <opened>
    number = fp.fileno()
    say(fd=number)
    os.close(number)  # <closed>
    thread = threading.Thread(target=loader)
    thread.start()
    end = time.monotonic() + 30
    while not is_reading(number) and time.monotonic() < end:
        pass
    shutil.rmtree(os.path.dirname(fifo))
    del fp  # <bad>
    os.write(pipe, b"\x7fELF\x02\x01\x01" + bytes(1000))
    threading.Event().wait(60)


if "LD_LIBRARY_PATH" not in os.environ:
    if is_linked_with_libgcc():
        wait_for_tracer()
        print("skip: this Python itself is linked with libgcc_s")
        sys.exit(77)
    again_with_fifo()
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
wait_for_tracer()
guilty(os.path.join(os.environ["LD_LIBRARY_PATH"], "libgcc_s.so.1"))  # <call>
