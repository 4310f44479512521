"""A TCP proxy on loopback that disturbs what passes through it, as bad networks do.

Every connection is disturbed the same way, until `heal` makes the proxy transparent: then waiting
data is sent, and new connections pass unchanged.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import peers


@dataclass
class Proxy:
    """The proxy's port and what it does to the server's bytes.

    Attributes:
        port: Where it listens.
        limit: Bytes of the server that pass before something happens; None lets all pass.
        then: What happens then: ``reset``, ``close`` or ``stall``.
        delay: Seconds each piece is held back.
        piece: Bytes sent at a time.
        change: Rewrites each piece, given its place in the stream.
        connections: How many were made so far.
    """

    port: int = 0
    limit: int | None = None
    then: str = "close"
    delay: float = 0.0
    piece: int = 65_536
    change: Callable[[int, bytes], bytes] | None = None
    connections: int = 0
    _open: list[socket.socket] = field(default_factory=list, repr=False)
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def uri(self) -> str:
        return f"https://localhost:{self.port}"

    def heal(self) -> None:
        """Let everything pass from now on."""
        self.limit, self.change, self.delay, self.piece = None, None, 0.0, 65_536

    def cut(self) -> None:
        """Reset every connection that is open now."""
        while self._open:
            with suppress(OSError):
                _reset(self._open.pop())

    def end(self) -> None:
        """Release connections that wait."""
        self._ended.set()

    def serve(self, client: socket.socket, target: int) -> None:
        """Carry one connection."""
        self.connections += 1
        self._open.append(client)
        with closing(socket.create_connection(("127.0.0.1", target), timeout=60)) as server:
            ends = {client: server, server: client}
            passed = 0
            while not self._ended.is_set():
                for ready in select.select(list(ends), [], [], 0.05)[0]:
                    data = ready.recv(self.piece)
                    if not data:
                        return
                    if ready is client:
                        server.sendall(data)
                        continue
                    if self._spoiled(client, passed, data):
                        return
                    passed += len(data)

    def _spoiled(self, client: socket.socket, passed: int, data: bytes) -> bool:
        """Send the server's bytes on; True if that ends the connection."""
        if self.change is not None:
            data = self.change(passed, data)
        if self.delay:
            time.sleep(self.delay)
        if self.limit is None or passed + len(data) <= self.limit:
            client.sendall(data)
            return False
        client.sendall(data[: max(0, self.limit - passed)])
        while self.then == "stall" and self.limit is not None:
            if self._ended.wait(0.02):
                return True
        if self.limit is None:  # healed meanwhile
            client.sendall(data)
            return False
        if self.then == "reset":
            _reset(client)
        return True


def _reset(connection: socket.socket) -> None:
    """Make the connection end with RST when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)  # who serves it then closes it


@contextmanager
def hostile_proxy(target: int, **faults: object) -> Iterator[Proxy]:
    """A proxy before a port on loopback, until the block ends.

    Args:
        target: The port behind it.
        **faults: Attributes of `Proxy`.
    """
    proxy = Proxy(**faults)
    with peers.tcp(lambda client: proxy.serve(client, target)) as port:
        proxy.port = port
        try:
            yield proxy
        finally:
            proxy.end()
