# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A number in an object of each kind of class, closed twice.

truth(dataclass): double_close proven
truth(slots): double_close proven
truth(dict): double_close proven
truth(namedtuple): double_close likely
truth(enter): double_close proven
truth(property): double_close proven
truth(getattr): double_close proven
truth(decorated): double_close proven
truth(static): double_close proven
truth(call): double_close proven
"""
import collections
import dataclasses
import functools
import os

from proof import FORM, begin, fails


def acquire():
    return os.open("/dev/null", os.O_RDONLY)  # OPENED


@dataclasses.dataclass
class Data:
    fd: int = dataclasses.field(default_factory=acquire)

    def close(self):
        os.close(self.fd)  # FIRST(dataclass) CULPRIT(dataclass)


class Slots:
    __slots__ = ("fd",)

    def __init__(self):
        self.fd = os.open("/dev/null", os.O_RDONLY)  # OPENED

    def close(self):
        os.close(self.fd)  # FIRST(slots) CULPRIT(slots)


class Dict(dict):
    def __init__(self):
        super().__init__(fd=os.open("/dev/null", os.O_RDONLY))  # OPENED

    def close(self):
        os.close(self["fd"])  # FIRST(dict) CULPRIT(dict)


class Tuple(collections.namedtuple("Tuple", "fd")):
    def close(self):
        os.close(self.fd)  # FIRST(namedtuple) CULPRIT(namedtuple)


class Enter(Slots):
    __slots__ = ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with fails():
            os.close(self.fd)  # CULPRIT(enter)

    def close(self):
        os.close(self.fd)  # FIRST(enter)


class Property(Slots):
    __slots__ = ()

    @property
    def closed(self):
        os.close(self.fd)  # FIRST(property) CULPRIT(property)
        return True

    def close(self):
        assert self.closed


class Getattr(Slots):
    __slots__ = ()

    def __getattribute__(self, name):
        if name == "shut":
            os.close(self.fd)  # FIRST(getattr) CULPRIT(getattr)
        return object.__getattribute__(self, "fd")


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper


class Decorated(Slots):
    __slots__ = ()

    @logged
    def close(self):
        os.close(self.fd)  # FIRST(decorated) CULPRIT(decorated)


class Static(Slots):
    __slots__ = ()

    @staticmethod
    def shut(it):
        os.close(it.fd)  # FIRST(static) CULPRIT(static)

    def close(self):
        Static.shut(self)


class Call(Slots):
    __slots__ = ()

    def __call__(self):
        os.close(self.fd)  # FIRST(call) CULPRIT(call)

    def close(self):
        self()


def twice(it):
    it.close()
    with fails():
        it.close()


def main():
    if FORM == "namedtuple":
        twice(Tuple(acquire()))
    elif FORM == "enter":
        with Enter() as it:
            it.close()
    elif FORM == "getattr":
        it = Getattr()
        it.shut
        with fails():
            it.shut
    else:
        kinds = {"dataclass": Data, "slots": Slots, "dict": Dict, "property": Property,
                 "decorated": Decorated, "static": Static, "call": Call}
        twice(kinds[FORM]())


begin()
main()
