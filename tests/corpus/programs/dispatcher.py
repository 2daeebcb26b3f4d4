# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""One function does everything, called from one line in a loop: each activation lies where the one
before lay, and its callers are at the same lines.

misleads: an activation at the address of the one before
truth(right): none
truth(twice): double_close likely
truth(steals): reused_close open
"""
import os

from proof import FORM, begin

state, refused = {}, []


def step(name, what):
    if what == "open":
        state[name] = os.open("/dev/null", os.O_RDONLY)  # OPENED VICTIM(steals)
        return
    try:
        os.close(state[name])  # FIRST CULPRIT
    except OSError:
        refused.append(name)


def main():
    todo = [("a", "open"), ("a", "close"), ("b", "open")]
    if FORM == "steals":
        todo.append(("a", "close"))
    todo.append(("b", "close"))
    if FORM == "twice":
        todo.append(("b", "close"))
    for one in todo:
        step(*one)


begin()
main()
assert state["a"] == state["b"]
assert refused == ([] if FORM == "right" else ["b"])
