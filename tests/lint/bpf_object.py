#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What an old kernel's verifier would refuse: too much stack, and atomics that give a value.

usage: bpf_object.py LLVM-OBJDUMP OBJECT

The verifier allows 512 bytes over a chain of calls, each function's share rounded up to 32
(check_max_stack_depth, kernel/bpf/verifier.c, 5.10). A function's share is how far below r10 it
reaches. Atomics that fetch are known from 5.12 on, and refused before even where they are never
run. Here both are met before such a kernel meets the object.
"""
import re
import subprocess
import sys

MOST = 512
GRAIN = 32
FUNCTION = re.compile(r"^[0-9a-f]+ <(?!LBB)(.*)>:$")
NUMBER = r"(0x[0-9a-f]+|\d+)"
REACH = re.compile(rf"r10 - {NUMBER}|r\d \+= -{NUMBER}$")
CALL = re.compile(r"R_BPF_64_32\s+(\S+)")
FETCH = re.compile(r"atomic_fetch|xchg")


class Function:
    def __init__(self, name):
        self.name, self.reach, self.calls, self.fetches = name, 1, set(), False

    def read(self, line):
        for reach in REACH.finditer(line):
            below = int(reach[1] or reach[2], 0)
            if below <= MOST:  # else it is no address but a number
                self.reach = max(self.reach, below)
        if call := CALL.search(line):
            self.calls.add(call[1])
        self.fetches |= bool(FETCH.search(line))

    def share(self):
        return -(-self.reach // GRAIN) * GRAIN


def functions(objdump, path):
    run = subprocess.run([objdump, "-d", "-r", path], check=True, capture_output=True, text=True)
    found, function = {}, Function("")
    for line in run.stdout.splitlines():
        if begins := FUNCTION.match(line):
            function = found[begins[1]] = Function(begins[1])
        function.read(line)
    return found


def deepest(found, function):
    """The chain from this function on that takes most. No BPF program calls itself."""
    chains = [deepest(found, found[name]) for name in function.calls if name in found]
    below = max(chains, key=taken, default=[])
    return [function, *below]


def taken(chain):
    return sum(function.share() for function in chain)


def main(objdump, path):
    found = functions(objdump, path)
    chain = max((deepest(found, function) for function in found.values()), key=taken)
    if not found or taken(chain) > MOST:
        steps = " > ".join(f"{function.name} {function.share()}" for function in chain)
        sys.exit(f"{path}: {taken(chain)} bytes of stack, {MOST} at most: {steps}")
    fetching = [function.name for function in found.values() if function.fetches]
    if fetching:
        sys.exit(f"{path}: atomics that fetch, which 5.10 refuses: {', '.join(fetching)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
