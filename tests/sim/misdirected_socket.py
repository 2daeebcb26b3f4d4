# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# A socket object whose number was closed behind its back sends into, and receives from, whoever has
# the number by then. Last a TLS socket, whose calls OpenSSL makes: whose code that is does not show.
# @sim {"min": "3.8"}
# @expect {"kind": "owned_close", "fd": "send", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "owned_close", "fd": "sendto", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "owned_close", "fd": "recv", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "owned_close", "fd": "recv_into", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "owned_close", "fd": "tls", "ownership": "on", "culprit": "bad", "bad": "steal@steal"}
# @expect {"kind": "misdirected_io", "fd": "send", "ownership": "on", "culprit": "closed", "owner":
#   "_socket.socket", "calls": {"bad": "sendto"}, "bad": "send@send", "closed": "steal@steal",
#   "opened": "make@made", "victim": "victim@victim", "type": "socket", "origin": {"closed": "os.close"}}
# @expect {"kind": "misdirected_io", "fd": "sendto", "ownership": "on", "culprit": "closed", "calls":
#   {"bad": "sendto"}, "bad": "sendto@sendto", "closed": "steal@steal", "victim": "victim@victim"}
# @expect {"kind": "misdirected_io", "fd": "recv", "ownership": "on", "culprit": "closed", "calls":
#   {"bad": "recvfrom"}, "bad": "recv@recv", "closed": "steal@steal", "victim": "victim@victim",
#   "count": "maybe"}
# @expect {"kind": "misdirected_io", "fd": "recv_into", "ownership": "on", "culprit": "closed",
#   "calls": {"bad": "recvfrom"}, "bad": "recv_into@recv_into", "closed": "steal@steal", "victim":
#   "victim@victim"}
# @expect {"kind": "misdirected_io", "certainty": "suspected", "fd": "tls", "ownership": "on",
#   "culprit": "closed", "class": "SSLSocket", "calls": {"bad": "write"}, "bad": "tls@tls", "closed":
#   "steal@steal", "victim": "victim@victim"}
import os
import socket
import ssl
import threading
import time
import warnings

from simlib import say, wait_for_tracer


def make():
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)  # <made>


def steal(stale):
    os.close(stale.fileno())  # <steal>


def victim():
    return socket.socketpair()  # <victim>


def rob(stale):
    number = stale.fileno()
    steal(stale)
    mine, peer = victim()
    assert mine.fileno() == number
    kept.append((stale, mine, peer))
    return peer


def send(stale, peer):
    stale.send(b"lost")  # <send>


def sendto(stale, peer):
    stale.sendall(memoryview(b"lost"))  # <sendto>


def recv(stale, peer):
    peer.send(b"head")
    assert stale.recv(4) == b"head"  # <recv>


def recv_into(stale, peer):
    peer.send(b"head")
    assert stale.recv_into(bytearray(4)) == 4  # <recv_into>


def tls(stale, peer):
    stale.write(b"lost")  # <tls>


def secured():
    """One end of a pair of sockets, with TLS that needs no certificate."""
    server, client = (ssl.SSLContext(ssl.PROTOCOL_TLS) for _ in range(2))
    for context in (server, client):
        context.set_ciphers("AECDH-AES128-SHA:@SECLEVEL=0")
        context.options |= ssl.OP_NO_TLSv1_3
    left, right = socket.socketpair()
    thread = threading.Thread(
        target=lambda: kept.append(server.wrap_socket(left, server_side=True)))
    thread.start()
    mine = client.wrap_socket(right)
    thread.join()
    while len(os.listdir("/proc/self/task")) > 1:  # it is over, but it may not have gone yet
        time.sleep(0.001)
    return mine


kept = []
warnings.simplefilter("ignore")
wait_for_tracer()
for use in (send, sendto, recv, recv_into, tls):
    stale = secured() if use is tls else make()
    say(**{use.__name__: stale.fileno()})
    use(stale, rob(stale))
os._exit(0)
