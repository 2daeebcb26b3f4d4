# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A random walk over everything that owns a descriptor, rightly and wrongly, with its own truth.

Usage: owner_walk.py LOG THREADS SECONDS SEED [BEFORE]

BEFORE: so many steps come before "ready" is printed and a byte is read. The steps of all threads
come one after the other, under a lock. Whoever holds a number (an object, a raw number) remembers
the generation of it that it took; each close is logged with the generation that it meant, and the one that it
ended. The log has a JSON object a line (tests/e2e/ownerwalk.py reads it).
"""
import ctypes
import errno
import fcntl
import gc
import io
import json
import os
import random
import select
import socket
import sys
import threading
import time
import warnings

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.close  # libffi keeps a descriptor of its own, maybe
MOST = 10


class OwnFile(io.FileIO):
    def close(self):
        super().close()


class OwnSocket(socket.socket):
    __slots__ = ("more",)


class Generation:
    def __init__(self, fd, opened, sort, older=None):
        self.fd, self.sort, self.older = fd, sort, older
        self.opened, self.ended, self.wrong, self.how = opened, None, False, ""
        self.owners = []  # who closes it, and is no raw number


class Holder:
    def __init__(self, kind, obj, generation):
        self.kind, self.obj, self.generation, self.fd = kind, obj, generation, generation.fd
        self.closes = 0
        if kind != "raw":
            generation.owners.append(self)


def now():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


# --- the calls that fdtrace may name ---------------------------------------------------------


def open_buffered():
    return open("/dev/zero", "rb")


def open_text():
    return open("/dev/zero")


def open_file():
    return io.FileIO("/dev/full")


def open_own_file():
    return OwnFile("/dev/full")


def open_by_opener():
    return io.FileIO("/dev/full", opener=lambda name, flags: os.open(name, flags))


def open_socket():
    return socket.socket()


def open_own_socket():
    return OwnSocket()


def open_epoll():
    return select.epoll()


def open_raw():
    return os.open("/dev/null", os.O_RDONLY)


def raw_close(fd):
    os.close(fd)


def another_raw_close(fd):
    os.close(fd)


def c_close(fd):
    ctypes.set_errno(0)
    if LIBC.close(fd):
        raise OSError(ctypes.get_errno(), "close")


def steal_by_os_close(obj):
    os.close(obj.fileno())


def steal_by_c_close(obj):
    c_close(obj.fileno())


def steal_by_range(obj):
    fd = obj.fileno()
    os.closerange(fd, fd + 1)


def close_method(obj):
    obj.close()


def leave_with(obj):
    with obj:
        pass


def drop(holder):
    holder.obj = None


def drop_in_circle(holder):
    circle = [holder.obj]
    holder.obj = None
    circle.append(circle)
    del circle
    gc.collect()


# --- the walk ------------------------------------------------------------------------------


class Walk:
    def __init__(self, log, seed):
        self.log, self.random = log, random.Random(seed)
        self.current, self.holders, self.ops, self.lines = {}, [], 0, []
        self.lock, self.depth = threading.Lock(), 0

    def run(self, name, function, *arguments):
        """(what it returned, its errno, the entry of the log)."""
        self.ops += 1
        entry = {"op": "%d.%d" % (os.getpid(), self.ops), "name": name, "pid": os.getpid(),
                 "tid": threading.get_native_id() if hasattr(threading, "get_native_id") else 0}
        value = error = None
        entry["enter"] = now()
        try:
            value = function(*arguments)
        except OSError as e:
            error = e.errno
        entry["exit"] = now()
        entry["errno"] = error
        self.lines.append(entry)
        return value, error, entry

    def begin(self, fd, entry, sort):
        if fd in self.current:
            raise AssertionError("%d is open: %s" % (fd, entry))
        generation = self.current[fd] = Generation(fd, entry["op"], sort)
        entry["fd"] = fd
        return generation

    def hold(self, kind, obj, generation):
        self.holders.append(Holder(kind, obj, generation))

    def tell(self, generation):
        opened, older = [], generation
        while older:
            opened.append(older.opened)
            older = older.older
        return {"opened": opened, "ended": generation.ended, "wrong": generation.wrong, "how": generation.how}

    def closes(self, holder, entry, error, how, visible=True):
        """What a close did that meant the holder's generation. how: method, os, c, range."""
        meant, generation = holder.generation, self.current.get(holder.fd)
        entry.update(fd=holder.fd, how=how, kind=holder.kind, meant=self.tell(meant),
                     again=holder.closes)
        if generation is None:
            entry["out"] = "ebadf"
            if visible and how != "range" and error != errno.EBADF:
                raise AssertionError("no EBADF: %s" % entry)
            return
        if error and visible:
            raise AssertionError("it failed: %s" % entry)
        del self.current[holder.fd]
        entry["ended"] = self.tell(generation)
        entry["owned"] = [o.kind for o in generation.owners if o is not holder or how != "method"]
        entry["out"] = "own" if generation is meant else "another's"
        generation.ended, generation.how = entry["op"], how
        generation.wrong = generation is not meant or bool(how != "method" and generation.owners)

    def pick(self, *kinds):
        chosen = [h for h in self.holders if not kinds or h.kind in kinds]
        return self.random.choice(chosen) if chosen else None

    def make(self):
        makers = {open_buffered: "file", open_text: "text", open_file: "file",
                  open_own_file: "file", open_by_opener: "file", open_socket: "socket",
                  open_own_socket: "socket", open_epoll: "epoll", open_raw: "raw"}
        maker = self.random.choice(sorted(makers, key=lambda f: f.__name__))
        obj, _, entry = self.run(maker.__name__, maker)
        fd = obj if maker is open_raw else obj.fileno()
        sort = {open_raw: "file"}.get(maker, makers[maker])
        self.hold(makers[maker], obj, self.begin(fd, entry, sort))

    def make_pair(self):
        pair, _, entry = self.run("socketpair", socket.socketpair)
        for obj in pair:
            self.hold("socket", obj, self.begin(obj.fileno(), entry, "socket"))

    def is_current(self, holder):
        return self.current.get(holder.fd) is holder.generation

    def duplicate(self):
        holder = self.pick("socket", "raw")
        if not holder or not self.is_current(holder):
            return
        if holder.kind == "socket":
            if holder.generation.sort != "socket":
                return
            obj, _, entry = self.run("socket_dup", holder.obj.dup)
        else:
            obj, _, entry = self.run("raw_dup", os.dup, holder.fd)
        fd = obj if holder.kind == "raw" else obj.fileno()
        self.hold(holder.kind, obj, self.begin(fd, entry, holder.generation.sort))

    def adopt(self):
        """An object takes what a raw number leads to; the number is kept now and then."""
        holder = self.pick("raw")
        if not holder or not self.is_current(holder) or holder.generation.owners:
            return
        kind = "socket" if holder.generation.sort == "socket" else "file"
        if kind == "socket":
            obj, _, entry = self.run("adopt_socket", lambda: socket.socket(fileno=holder.fd))
        elif holder.generation.sort == "file":
            take = self.random.choice([os.fdopen, lambda fd: io.FileIO(fd)])
            obj, _, entry = self.run("adopt_file", take, holder.fd)
        else:
            return
        if obj is None:
            raise AssertionError(entry)
        self.hold(kind, obj, holder.generation)
        if self.random.random() < 0.8:
            self.holders.remove(holder)

    def second_owner(self):
        holder = self.pick("socket")
        if not holder or not self.is_current(holder) or holder.generation.sort != "socket":
            return
        obj, _, _ = self.run("second_owner", lambda: socket.socket(fileno=holder.obj.fileno()))
        self.hold("socket", obj, holder.generation)

    def borrow(self):
        holder = self.pick("raw")
        if not holder or not self.is_current(holder) or holder.generation.sort != "file":
            return

        def borrows():
            with io.FileIO(holder.fd, closefd=False):
                pass

        self.run("borrow", borrows)

    def detach(self):
        holder = self.pick("socket")
        if holder and holder.closes == 0:
            self.run("detach", holder.obj.detach)
            if holder in holder.generation.owners:
                holder.generation.owners.remove(holder)
            self.holders.remove(holder)
            self.hold("raw", holder.fd, holder.generation)

    def detach_text(self):
        holder = self.pick("text")
        if holder and holder.closes == 0:
            holder.obj, _, _ = self.run("detach_text", holder.obj.detach)
            holder.kind = "file"

    def makefile(self):
        holder = self.pick("socket")
        if not holder or holder.closes:
            return
        file = holder.obj.makefile("rb")
        self.run("close_with_file", holder.obj.close)
        _, error, entry = self.run("close_makefile", close_method, file)
        self.closed(holder, entry, error, holder.kind != "epoll")  # its errors are not raised

    def closed(self, holder, entry, error, visible=True):
        self.closes(holder, entry, error, "method", visible)
        if holder in holder.generation.owners:
            holder.generation.owners.remove(holder)
        holder.closes += 1
        if holder in self.holders:
            self.holders.remove(holder)

    def close(self):
        holder = self.pick()
        if not holder:
            return
        if holder.kind == "raw":
            function = self.random.choice([raw_close, raw_close, another_raw_close, c_close])
            _, error, entry = self.run(function.__name__, function, holder.fd)
            self.closes(holder, entry, error, "c" if function is c_close else "os")
            holder.closes += 1
            if self.random.random() < 0.85:
                self.holders.remove(holder)
            return
        if holder.closes:
            return
        function = close_method if holder.kind == "epoll" or self.random.random() < 0.7 else leave_with
        _, error, entry = self.run(function.__name__, function, holder.obj)
        self.closed(holder, entry, error, holder.kind != "epoll")  # its errors are not raised

    def drop(self):
        holder = self.pick("file", "text", "socket", "epoll")
        if not holder or holder.closes:
            return
        function = self.random.choice([drop, drop, drop_in_circle])
        _, error, entry = self.run(function.__name__, function, holder)
        self.closed(holder, entry, error, visible=False)

    def steal(self):
        holder = self.pick("file", "text", "socket", "epoll")
        if not holder or holder.closes or self.random.random() < 0.4:
            return
        how = self.random.choice(["os", "os", "c", "range"])
        function = {"os": steal_by_os_close, "c": steal_by_c_close, "range": steal_by_range}[how]
        _, error, entry = self.run(function.__name__, function, holder.obj)
        self.closes(holder, entry, error, how)

    def dup_over(self):
        source, holder = self.pick(), self.pick()
        if not (source and holder and self.is_current(source) and self.is_current(holder)) or \
                source.fd == holder.fd or source.closes:
            return
        _, _, entry = self.run("dup_over", os.dup2, source.fd, holder.fd)
        old = holder.generation
        generation = self.current[holder.fd] = Generation(holder.fd, entry["op"], source.generation.sort, old)
        old.ended, old.how = entry["op"], "dup2"
        generation.owners = old.owners
        for other in self.holders:
            if other.generation is old:
                other.generation = generation

    def use(self):
        holder = self.pick()
        if not holder or holder.closes:
            return
        if holder.kind == "socket" and self.random.random() < 0.7:
            how = "method"
            _, _, entry = self.run("use_getsockname", holder.obj.getsockname)
        elif holder.kind == "file" and self.random.random() < 0.5:
            how = "method"
            _, _, entry = self.run("use_file", lambda: holder.obj.seek(0, 2))
        else:
            how = "os"
            _, _, entry = self.run("use_fstat", os.fstat, holder.fd)
        entry.update(fd=holder.fd, how=how, kind=holder.kind, meant=self.tell(holder.generation),
                     out="use", again=0)

    def fork(self):
        if self.depth:
            return
        self.flush()
        pid = os.fork()
        if pid == 0:
            self.depth = 1
            try:
                for _ in range(6):
                    self.step()
            except BaseException as e:  # it is told, and does not go on as its parent
                self.lines.append({"failed": repr(e)})
            self.flush()
            os._exit(0)
        self.run("wait", os.waitpid, pid, 0)

    def flush(self):
        for line in self.lines:
            os.write(self.log, (json.dumps(line) + "\n").encode())
        del self.lines[:]

    def step(self):
        if len(self.holders) > MOST:
            return self.random.choice([self.close, self.drop])()
        steps = [self.make] * 8 + [self.make_pair, self.duplicate, self.adopt, self.adopt]
        steps += [self.second_owner, self.borrow, self.detach, self.detach_text, self.makefile]
        steps += [self.close] * 8 + [self.drop] * 4 + [self.steal] * 2 + [self.dup_over]
        steps += [self.use] * 3
        if self.random.random() < 0.01:
            return self.fork()
        return self.random.choice(steps)()


def calibrate(walk):
    """A close that fails, of which the time is known by the report."""
    fd = os.open("/dev/null", os.O_RDONLY)
    os.close(fd)
    walk.run("calibrate", raw_close, fd)


def walks(walk, until):
    while time.monotonic() < until:
        with walk.lock:
            try:
                for _ in range(20):
                    walk.step()
            except BaseException as e:
                walk.lines.append({"failed": repr(e)})
                return
            if len(walk.lines) > 500:
                walk.flush()


def main(path, threads, seconds, seed, before=0):
    warnings.simplefilter("ignore")
    sys.stderr.flush()
    os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
    gc.disable()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    walk = Walk(fcntl.fcntl(log, fcntl.F_DUPFD_CLOEXEC, 900), int(seed))
    os.close(log)
    walk.random.seed(int(seed))
    for _ in range(int(before)):
        walk.step()
    if before:
        os.write(1, b"ready\n")
        os.read(0, 1)
    elif os.environ.get("FDTRACE_SIM_PAUSE"):
        time.sleep(float(os.environ["FDTRACE_SIM_PAUSE"]))
    for _ in range(5):
        calibrate(walk)
    until = time.monotonic() + float(seconds)
    others = [threading.Thread(target=walks, args=(walk, until)) for _ in range(int(threads) - 1)]
    for thread in others:
        thread.start()
    walks(walk, until)
    for thread in others:
        thread.join()
    walk.lines.append({"end": True})
    walk.flush()
    os._exit(0)  # what is left is nobody's concern


if __name__ == "__main__":
    main(*sys.argv[1:])
