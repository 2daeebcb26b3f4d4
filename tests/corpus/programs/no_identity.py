# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The first local of the functions is the same for everybody: a class, None, a module, a text, a
number, a tuple, or it is a number's own.

misleads: a first local that is everybody's
truth(cls): reused_close open
truth(none): reused_close open
truth(module): reused_close open
truth(text): reused_close open
truth(int): reused_close open
truth(tuple): reused_close open
truth(right): none
"""
import os
import sys

from proof import FORM, begin, fails, took


class Class:
    @classmethod
    def take(cls):
        return os.open("/dev/null", os.O_RDONLY)  # OPENED(cls) VICTIM(cls)

    @classmethod
    def give(cls, number):
        os.close(number)  # FIRST(cls) CULPRIT(cls)


def take(context):
    return os.open("/dev/null", os.O_RDONLY)  # OPENED(none,module,text,int,tuple) VICTIM(none,module)


def give(context, number):
    os.close(number)  # FIRST(none,module,text,int,tuple) CULPRIT(none,module,text,int,tuple)


contexts = {"none": None, "module": sys, "text": "name", "int": 7, "tuple": (), "right": None}


def main():
    if FORM == "cls":
        opens, closes = Class.take, Class.give
    else:
        context = contexts[FORM]
        opens, closes = (lambda: take(context)), (lambda number: give(context, number))
    a = opens()
    closes(a)  # first
    b = took(opens(), a)
    if FORM != "right":
        closes(a)  # culprit
        with fails():
            closes(b)
    else:
        closes(b)


begin()
main()
