# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy on loopback that breaks a connection where a test says so.

    with FaultProxy(server_port) as proxy:
        proxy.arm(Fault("cut", "down", 1200))
        run_pickup(port=proxy.port)

A fault has a kind, a direction ("up": client to server, "down": server to client) and the number
of bytes of that direction that still pass. It harms the first connection after arm() alone; later
ones pass, so that a client that tries again sees a healthy server, under the same name and port.

    none    nothing is harmed; the bytes are counted (proxy.passed["up"], proxy.passed["down"])
    cut     both sides are closed after byte n
    reset   both sides get a TCP reset after byte n
    stall   byte n passes, nothing after it, the connection stays open
    drip    from byte n on one byte at a time

Beside that, all connections can be harmed together, those that are open and those that come:

    proxy.swallow = True            what either side sends is lost, and nobody is told (a black hole);
                                    nothing that was lost comes back when it is False again
    proxy.refusal = b"* BYE ..."    new connections get this line, and their end
    proxy.pause = 0.05              seconds that each piece of up to a kilobyte takes

No byte is ever changed, doubled or reordered. Threads: one per direction and connection.
"""

import dataclasses
import socket
import struct
import threading
import time

CHUNK = 65536  # bytes read at once
DIRECTIONS = ("up", "down")


@dataclasses.dataclass(frozen=True)
class Fault:
    kind: str = "none"
    direction: str = "down"
    after: int = 0

    def __str__(self):
        return f"{self.kind} {self.direction} after byte {self.after}"


class FaultProxy:
    """Listens on host:port until it is left; every socket is closed then."""

    def __init__(self, server_port, host="127.0.0.1"):
        self._server_port = server_port
        self.swallow, self.refusal, self.pause = False, None, 0
        self.arm(Fault())
        self._sockets = []
        self._lock = threading.Lock()
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]

    def arm(self, fault):
        """Harm the next connection like this, and count its bytes anew."""
        self.fault = fault
        self.passed = dict.fromkeys(DIRECTIONS, 0)
        self._armed = True

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with self._lock:
            for each in [self._listener, *self._sockets]:
                _shut(each)

    def drop(self):
        """Close all connections that are open now."""
        with self._lock:
            for each in self._sockets:
                _shut(each)
            self._sockets.clear()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # the listener was closed: the test is over
            if self.refusal is not None:
                client.sendall(self.refusal + b"\r\n")
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                client.close()
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets += [client, server]
            harmed, self._armed = self._armed, False
            for source, target, direction in ((client, server, "up"), (server, client, "down")):
                threading.Thread(target=self._pump, daemon=True,
                                 args=(source, target, direction, harmed)).start()

    def _pump(self, source, target, direction, harmed):
        harmful = direction == self.fault.direction and self.fault.kind != "none"
        try:
            while True:
                data = source.recv(1024 if self.pause else CHUNK)
                if not data:
                    break
                if self.swallow:
                    continue
                if self.pause:
                    time.sleep(self.pause)
                if harmed and harmful:
                    if not self._harm(data, source, target, direction):
                        return
                    continue
                target.sendall(data)
                if harmed:
                    self.passed[direction] += len(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            _shut(source)
            _shut(target)

    def _harm(self, data, source, target, direction):
        """Pass what may still pass; True while the connection lives on."""
        room = max(0, self.fault.after - self.passed[direction])
        target.sendall(data[:room])
        self.passed[direction] += min(room, len(data))
        if len(data) < room or (len(data) == room and self.fault.kind == "drip"):
            return True
        if self.fault.kind == "drip":
            for at in range(room, len(data)):
                target.sendall(data[at:at + 1])
            return True
        if self.fault.kind == "stall":
            return False
        if self.fault.kind == "reset":
            for each in (source, target):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        _shut(source, reset=self.fault.kind == "reset")
        _shut(target, reset=self.fault.kind == "reset")
        return False


def _shut(each, reset=False):
    """Close for good. Shutting down first wakes a thread that waits in recv; only the reading side
    where a reset is wanted, for the writing side would end politely."""
    try:
        each.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
    except OSError:
        pass
    each.close()
