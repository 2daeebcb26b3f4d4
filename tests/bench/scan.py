#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What the search for descriptor owners costs, by the size of the process: `make bench-scan`.

scan.py SCANNER [MEGABYTES…] [--kind dict|bytes|list] [--python PROGRAM] [--busy] [--rounds N]:
starts a Python of each size, with owners in it that it tells the number of, has SCANNER
(tests/bench/scan.c) look for them, and prints its lines. Ends with 1 if a count is wrong.

Owns: the processes that it starts. Never: needs fdtrace itself; traces any other process.
"""
import argparse
import re
import subprocess
import sys

# Grows to a size, then waits; or opens, closes and allocates all the time.
GROWN = r"""
import io, os, select, socket, sys, tempfile
size, kind, busy = int(sys.argv[1]), sys.argv[2], sys.argv[3] == "busy"
class Own(socket.socket):
    pass
files = [open("/etc/passwd") for _ in range(20)]
sockets = [socket.socket() for _ in range(20)] + [*socket.socketpair(), Own()]
epoll = select.epoll()
lent = io.FileIO(os.open("/etc/passwd", os.O_RDONLY), closefd=False)
closed = [open("/etc/group") for _ in range(50)]
for file in closed:
    file.close()
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20
data = []
while resident() < size:
    if kind == "bytes":
        data.append(bytearray(os.urandom(1 << 20)))
    elif kind == "list":
        data.append([float(x) for x in range(20000)])
    else:
        data += [{"id": i, "name": "user%d" % i, "place": (i, i + 1), "list": [i]}
                 for i in range(2000)]
print("ready", flush=True)
while busy:
    for _ in range(100):
        open("/etc/passwd").close()
        data.append([1, 2, 3])
        data.pop(0)
sys.stdin.read()
"""
EXPECTED = {"FileIO": 20, "socket": 23, "epoll": 1}


def scan(options, size):
    """True: each line that the scanner prints has the right counts."""
    command = [options.python, "-c", GROWN, str(size), options.kind,
               "busy" if options.busy else "idle"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as grown:
        try:
            grown.stdout.readline()
            done = subprocess.run([options.scanner, str(grown.pid), str(options.rounds)],
                                  stdout=subprocess.PIPE, encoding="utf-8")
        finally:
            grown.kill()
    print(f"{size} MB of {options.kind}\n{done.stdout}", end="", flush=True)
    return done.returncode == 0 and all(is_right(options, line)
                                        for line in done.stdout.splitlines())


def is_right(options, line):
    found = {kind: int(count) for kind, count in re.findall(r"(FileIO|socket|epoll) (\d+)", line)}
    # A busy one may have a file open that it is about to close.
    more = found.get("FileIO", 0) - EXPECTED["FileIO"]
    found["FileIO"] -= 1 if options.busy and more == 1 else 0
    right = found == EXPECTED and "twice 0" in line
    if not right:
        print(f"wrong: expected {EXPECTED}, none twice")
    return right


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scanner")
    parser.add_argument("megabytes", type=int, nargs="*", default=[20, 50, 500])
    parser.add_argument("--kind", choices=["dict", "bytes", "list"], default="dict")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    return 0 if all([scan(options, size) for size in options.megabytes]) else 1


if __name__ == "__main__":
    sys.exit(main())
