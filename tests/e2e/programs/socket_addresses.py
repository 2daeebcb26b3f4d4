# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Connections of every kind; each descriptor is closed twice, and what it was is printed, as JSON: by
number, what the kernel itself says of its addresses.

Arguments: "before": they are made before the tracer comes; "after": then. A folder for sockets."""
import json
import os
import socket
import sys

import simlib

AF_NETLINK = 16
made = {}


def words(family, address):
    if family == socket.AF_INET:
        return "%s:%d" % address[:2]
    if family == socket.AF_INET6:
        return "[%s]:%d" % address[:2]
    if isinstance(address, bytes):
        return "@" + address[1:].decode()
    return address


def keep(name, s, protocol, listening=False):
    """Notes what it is, and gives up the object: the number stays open."""
    what = {"protocol": protocol, "local": words(s.family, s.getsockname())}
    try:
        what["peer"] = words(s.family, s.getpeername())
    except OSError:
        pass
    if listening:
        what["listening"] = True
    made[s.detach()] = [name, {key: value for key, value in what.items() if value}]


def stream(name, family, address, protocol, client=socket.socket):
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen(5)
    connecting = client(family)
    try:
        connecting.connect(listener.getsockname())
    except BlockingIOError:
        pass
    accepted = listener.accept()[0]
    keep(name + " client", connecting, protocol)
    keep(name + " accepted", accepted, protocol)
    keep(name + " listener", listener, protocol, listening=True)


def not_waiting(family):
    s = socket.socket(family)
    s.setblocking(False)
    return s


def make(folder):
    stream("tcp4", socket.AF_INET, ("127.0.0.1", 0), "tcp")
    stream("tcp6", socket.AF_INET6, ("::1", 0), "tcp")
    stream("no wait", socket.AF_INET, ("127.0.0.1", 0), "tcp", not_waiting)
    stream("path", socket.AF_UNIX, os.path.join(folder, "a socket"), "unix")
    stream("abstract", socket.AF_UNIX, ("\0fdtrace %d" % os.getpid()).encode(), "unix")
    mapped = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    mapped.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    mapped.connect(("::ffff:127.0.0.1", 9))
    keep("mapped", mapped, "udp")
    connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connected.connect(("127.0.0.1", 9))
    keep("udp", connected, "udp")
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    keep("bound", bound, "udp")
    # Whatever its port is, its protocol is all that is told.
    made[socket.socket(AF_NETLINK, socket.SOCK_RAW, 0).detach()] = [
        "netlink", {"protocol": "netlink route"}]
    copied = socket.socket()
    copy = copied.dup()
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(5)
    copied.connect(server.getsockname())
    keep("copy", copy, "tcp")
    copied.close()
    server.close()


def main():
    when, folder = sys.argv[1:]
    if when == "before":
        make(folder)
        simlib.wait_for_tracer()
    else:
        simlib.wait_for_tracer()
        make(folder)
    # Each in a function of its own: a report tells two of one place once.
    for fd in made:
        scope = {"os": os}
        exec(f"def close_{fd}(): os.close({fd}); os.close({fd})", scope)
        try:
            scope[f"close_{fd}"]()
        except OSError:
            pass
    print(json.dumps(made))


main()
