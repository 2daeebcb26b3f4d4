# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What programs do on purpose with numbers that may be closed, in functions healthy_*, and bugs that look
like it, in functions real_*. Each runs in a process of its own."""
import os
import random
import resource
import socket
import sys

from simlib import wait_for_tracer

NULL = "/dev/null"


def raw(count=1):
    return [os.open(NULL, os.O_RDONLY) for _ in range(count)]


def once_open(count):
    """Numbers that were open, and are not."""
    numbers = raw(count)
    for number in numbers:
        os.close(number)
    return numbers


def close_all(numbers):
    for number in numbers:
        try:
            os.close(number)
        except OSError:
            pass


def listed(folder="/proc/self/fd"):
    return [int(name) for name in os.listdir(folder) if int(name) > 2]


def healthy_listing():
    close_all(listed())
    close_all(set(listed("/dev/fd")) - {0, 1, 2})
    close_all(listed("/proc/%d/fd" % os.getpid()))


def healthy_listing_of_many():
    kept = raw(5)
    for _ in range(3):
        close_all(number for number in listed() if number not in kept)


def healthy_scandir():
    close_all([number for number in [int(e.name) for e in os.scandir("/proc/self/fd")] if number > 2])


def healthy_listing_before_exec():
    """As loky starts its workers: standard input is closed, too."""
    kept = [open(NULL), socket.socket()]
    child = os.fork()
    if not child:
        close_all(set(map(int, os.listdir("/proc/self/fd"))) - {1, 2})
        os.execv(sys.executable, [sys.executable, "-S", "-c", "pass"])
    os.waitpid(child, 0)
    del kept


def healthy_range():
    once_open(10)
    close_all(range(3, 256))


def healthy_range_downwards():
    once_open(10)
    close_all(range(255, 2, -1))


def healthy_range_in_disorder():
    once_open(10)
    numbers = list(range(3, 256))
    random.Random(1).shuffle(numbers)
    close_all(numbers)


def healthy_range_over_many():
    most = min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 40)
    once_open(most)
    close_all(range(3, most + 30))


def healthy_short_range():
    once_open(2)
    first = once_open(1)[0]
    close_all(range(first, first + 5))


def healthy_closerange():
    once_open(20)
    os.closerange(3, 256)
    os.closerange(3, 30)


def healthy_over_files():
    """Whatever their objects had closed."""
    files = [open(NULL) for _ in range(12)]
    numbers = [file.fileno() for file in files]
    for file in files:
        file.close()
    close_all(numbers)


def healthy_questions():
    number = once_open(1)[0]
    for asks in (os.fstat, os.dup, os.get_inheritable):
        try:
            asks(number)
        except OSError:
            pass
    assert not os.isatty(number)


def healthy_fd_status():
    """As in test/support: which numbers are open?"""
    once_open(10)
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            pass


def real_list_twice():
    numbers = raw(20)
    for _ in range(2):
        close_all(numbers)


def real_list_in_disorder():
    numbers = raw(20)
    random.Random(1).shuffle(numbers)
    close_all(numbers)
    for number in numbers:
        try:
            os.close(number)
        except OSError:
            pass


def real_list_with_one_stray():
    close_all(once_open(20) + [77])


def real_listing_of_its_own():
    number = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY)
    os.close(number)
    close_all([number])


def real_question_of_an_object():
    """It believes that the number is open."""
    file = open(NULL, "rb", buffering=0)
    os.close(file.fileno())
    try:
        file.isatty()
    except OSError:
        pass
    os._exit(0)


def real_path_below():
    folder = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    os.close(folder)
    try:
        os.stat("tmp", dir_fd=folder)
    except OSError:
        pass


def main():
    wait_for_tracer()
    for name in sorted(globals()):
        if name.startswith(("healthy_", "real_")):
            child = os.fork()
            if not child:
                globals()[name]()
                os._exit(0)
            if os.waitpid(child, 0)[1]:
                sys.exit(name)


main()
