#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What an old kernel's verifier would refuse: too much stack, and atomics that give a value.

usage: bpf_object.py LLVM-OBJDUMP OBJECT

The verifier allows 512 bytes over a chain of 8 calls at most, each share rounded up to 32
(check_max_stack_depth, kernel/bpf/verifier.c, 5.10). A function's share is how far below r10 it
reaches. Atomics that fetch are known from 5.12 on, and refused before even where they are never
run. Here both are met before such a kernel meets the object.
"""
import re
import subprocess
import sys

MOST = 512
GRAIN = 32
FRAMES = 8
SECTION = re.compile(r"^Disassembly of section (.*):$")
FUNCTION = re.compile(r"^([0-9a-f]+) <(?!LBB)(.*)>:$")
NUMBER = r"(0x[0-9a-f]+|\d+)"
REACH = re.compile(rf"r10 - {NUMBER}|r\d \+= -{NUMBER}$")
# A call of a function of ours: where it stands, and how many instructions behind it that lies.
CALL = re.compile(r"^\s*(\d+):\s+85 10 00 00 .*\scall (-?\d+|-?0x[0-9a-f]+)$")
# A section's name: so many instructions behind its beginning.
CALLED = re.compile(r"R_BPF_64_32\s+(\S+)")
FETCH = re.compile(r"atomic_fetch|xchg")


class Function:
    def __init__(self, name):
        self.name, self.reach, self.calls, self.fetches = name, 1, [], False

    def read(self, line, section):
        for reach in REACH.finditer(line):
            below = int(reach[1] or reach[2], 0)
            if below <= MOST:  # else it is no address but a number
                self.reach = max(self.reach, below)
        if call := CALL.search(line):
            self.ahead = int(call[2], 0) + 1
            self.calls.append((section, int(call[1]) + self.ahead))
        elif called := CALLED.search(line):
            self.calls[-1] = (called[1], self.ahead)
        self.fetches |= bool(FETCH.search(line))

    def share(self):
        return -(-self.reach // GRAIN) * GRAIN


def functions(objdump, path):
    """Each by its name, and by (section, its first instruction there)."""
    run = subprocess.run([objdump, "-d", "-r", path], check=True, capture_output=True, text=True)
    found, function, section = {}, Function(""), ""
    for line in run.stdout.splitlines():
        if begins := SECTION.match(line):
            section = begins[1]
        elif begins := FUNCTION.match(line):
            function = found[section, int(begins[1], 16) // 8] = Function(begins[2])
        function.read(line, section)
    return found


def link(found):
    """Calls of names, of which none is twice here, and of places become calls of functions."""
    names = {function.name: function for function in found.values()}
    for function in found.values():
        called = [found.get(call) or names.get(call[0]) for call in function.calls]
        function.calls = {callee for callee in called if callee}  # else the kernel's own


def deepest(function, cost):
    """The chain from this function on that costs most. No BPF program calls itself."""
    chains = [deepest(callee, cost) for callee in function.calls]
    return [function, *max(chains, key=cost, default=[])]


def taken(chain):
    return sum(function.share() for function in chain)


def too_deep(found):
    """What is too much, in words; None: nothing."""
    chain = max((deepest(function, taken) for function in found), key=taken)
    if taken(chain) > MOST:
        steps = " > ".join(f"{function.name} {function.share()}" for function in chain)
        return f"{taken(chain)} bytes of stack, {MOST} at most: {steps}"
    chain = max((deepest(function, len) for function in found), key=len)
    if len(chain) > FRAMES:
        steps = " > ".join(function.name for function in chain)
        return f"{len(chain)} functions deep, {FRAMES} at most: {steps}"
    return None


def main(objdump, path):
    found = functions(objdump, path)
    link(found)
    if not found:
        sys.exit(f"{path}: no functions")
    if trouble := too_deep(found.values()):
        sys.exit(f"{path}: {trouble}")
    fetching = [function.name for function in found.values() if function.fetches]
    if fetching:
        sys.exit(f"{path}: atomics that fetch, which 5.10 refuses: {', '.join(fetching)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
