# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""A reactor with a child and a connection.

needs: twisted==22.10.0
truth: none
"""
import sys

from twisted.internet import endpoints, protocol, reactor

from proof import begin

done = []


class Child(protocol.ProcessProtocol):
    def processEnded(self, reason):
        done.append(reason)
        reactor.callLater(0.05, reactor.stop)


class Hello(protocol.Protocol):
    def connectionMade(self):
        self.transport.loseConnection()


def listening(port):
    point = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    endpoints.connectProtocol(point, protocol.Protocol())
    reactor.spawnProcess(Child(), sys.executable, [sys.executable, "-S", "-c", ""])


begin()
server = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
server.listen(protocol.Factory.forProtocol(Hello)).addCallback(listening)
reactor.run()
assert done
