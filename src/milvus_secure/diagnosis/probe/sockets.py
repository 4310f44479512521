"""Name resolution and TCP: every address is tried at once, and differences are recorded."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..._common.deadline import Deadline
from ..._common.system_limits import exhausted
from .timeouts import TIMEOUTS

MAX_ADDRESSES = 16
"""More addresses than this are not dialled."""

_UNREACHABLE = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EACCES,
    errno.EPERM,
    errno.EINVAL,
}


@dataclass(frozen=True, slots=True)
class Address:
    """One resolved address, ready to dial."""

    family: socket.AddressFamily
    sockaddr: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]

    @property
    def ip(self) -> str:
        """The address as text."""
        return str(self.sockaddr[0])


def resolve(host: str, port: int, deadline: Deadline) -> list[Address]:
    """Resolve a host name as the system does.

    The system's resolver knows neither deadline nor cancellation, so a name is looked up in a
    thread of its own; when the deadline passes first, that thread ends with the resolver's.

    Raises:
        OSError: If the name does not resolve (`socket.gaierror`) or not in time.
    """
    try:
        return _lookup(host, port, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        pass  # a name, then
    answer: list[list[Address]] = []
    failure: list[OSError] = []

    def ask() -> None:
        try:
            answer.append(_lookup(host, port))
        except OSError as error:
            failure.append(error)
        except UnicodeError:
            failure.append(socket.gaierror(socket.EAI_NONAME, "not a host name"))

    thread = threading.Thread(target=ask, name="milvus-secure-resolve", daemon=True)
    thread.start()
    thread.join(deadline.left)
    if failure:
        raise failure[0]
    if not answer:
        raise TimeoutError("the resolver did not answer in time")
    return answer[0]


def _lookup(host: str, port: int, flags: int = 0) -> list[Address]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in entries))


@dataclass
class ConnectResult:
    """How each address answered; the first connection made is kept open.

    Attributes:
        connection: Open and non-blocking, or None if no address took one.
        failures: What went wrong, by address, as a finding code and the system's words.
        connected: The addresses that took a connection, the open one first.
        tunnel: Asks the proxy that listens there for the way on; None for a direct connection.
    """

    connection: socket.socket | None = None
    failures: dict[Address, tuple[str, str]] = field(default_factory=dict)
    connected: list[Address] = field(default_factory=list)
    tunnel: Callable[[DeadlineSocket], None] | None = None

    def take(self) -> socket.socket | None:
        """Hand the open connection over, once."""
        connection, self.connection = self.connection, None
        return connection

    def close(self) -> None:
        """Close the open connection, unless it was taken."""
        connection = self.take()
        if connection is not None:
            connection.close()

    @property
    def code(self) -> str:
        """The finding for an endpoint that took no connection at all."""
        codes = {code for code, _ in self.failures.values()}
        order = ("tcp-refused", "tcp-timeout", "tcp-unreachable")
        return next(code for code in order if code in codes)

    @property
    def summary(self) -> str:
        """Each address with its outcome."""
        parts = [f"{address.ip} open" for address in self.connected]
        parts += [f"{address.ip} {words}" for address, (_, words) in self.failures.items()]
        return ", ".join(parts)


def dial(addresses: Sequence[Address], deadline: Deadline) -> ConnectResult:
    """Connect to every address at once.

    Once one has answered, the others get a quarter of a second to show that they differ.
    """
    dialled = ConnectResult()
    with selectors.DefaultSelector() as selector:
        try:
            for address in addresses[:MAX_ADDRESSES]:
                _start(address, selector, dialled)
            _await(selector, dialled, deadline)
        finally:
            for key in list(selector.get_map().values()):
                dialled.failures[key.data] = ("tcp-timeout", "no answer")
                key.fileobj.close()  # type: ignore[union-attr]  # always a socket here
    return dialled


def redial(dialled: ConnectResult, deadline: Deadline) -> socket.socket | None:
    """Connect once more to the first address that took a connection, and through its proxy."""
    connection = dial(dialled.connected[:1], deadline).connection
    if connection is None or dialled.tunnel is None:
        return connection
    try:
        dialled.tunnel(DeadlineSocket(connection, deadline))
    except OSError:
        connection.close()
        return None
    return connection


def _start(address: Address, selector: selectors.BaseSelector, dialled: ConnectResult) -> None:
    try:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
    except OSError as error:  # an address family this system does not have
        if exhausted(error):
            raise
        dialled.failures[address] = _failure(error.errno or 0)
        return
    sock.setblocking(False)
    try:
        status = sock.connect_ex(address.sockaddr)
    except OSError as error:
        status = error.errno or errno.EINVAL
    if status in {0, errno.EINPROGRESS, errno.EWOULDBLOCK}:
        selector.register(sock, selectors.EVENT_WRITE, address)
        return
    sock.close()
    dialled.failures[address] = _failure(status)


def _await(selector: selectors.BaseSelector, dialled: ConnectResult, deadline: Deadline) -> None:
    patience = deadline
    while selector.get_map() and patience.left > 0:
        for key, _ in selector.select(patience.left):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)  # noqa: S101 - registered above
            selector.unregister(sock)
            status = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if status not in {0, errno.ECONNRESET}:  # who resets had taken the connection
                sock.close()
                dialled.failures[key.data] = _failure(status)
                continue
            dialled.connected.append(key.data)
            if dialled.connection is None:
                dialled.connection = sock
                patience = deadline.within(TIMEOUTS.other_addresses)
            else:
                sock.close()


def _failure(status: int) -> tuple[str, str]:
    words = os.strerror(status).lower()
    if status in _UNREACHABLE:
        return "tcp-unreachable", words
    if status == errno.ETIMEDOUT:
        return "tcp-timeout", words
    return "tcp-refused", words


class DeadlineSocket:
    """A connected socket read and written within a deadline, and never without end.

    Args:
        sock: Non-blocking; closed with the wire.
        deadline: For all reads and writes together.
        limit: Bytes that are read at most.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, limit: int = 1 << 20) -> None:
        self._sock = sock
        self.deadline = deadline
        self._left = limit

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def read(self, seconds: float | None = None, *, size: int = 16_384) -> bytes:
        """At most `size` bytes of what comes next; empty when the peer closed the connection.

        Raises:
            TimeoutError: If nothing comes before the deadline, or within `seconds`.
            OSError: If the connection broke, or the peer sent more than the limit.
        """
        patience = self.deadline if seconds is None else self.deadline.within(seconds)
        while True:
            try:
                data = self._sock.recv(size)
                break
            except BlockingIOError:
                self._wait(selectors.EVENT_READ, patience)
        self._left -= len(data)
        if self._left < 0:
            raise OSError(errno.EMSGSIZE, "the peer does not stop sending")
        return data

    def write(self, data: bytes) -> None:
        """Send everything.

        Raises:
            TimeoutError: If the peer does not take it before the deadline.
            OSError: If the connection broke.
        """
        view = memoryview(data)
        while view:
            view = view[self._sent(view) :]

    def _sent(self, view: memoryview) -> int:
        try:
            return self._sock.send(view)
        except BlockingIOError:
            self._wait(selectors.EVENT_WRITE, self.deadline)
            return 0

    def _wait(self, event: int, patience: Deadline) -> None:
        started = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, event)
            if not selector.select(patience.left):
                waited = time.monotonic() - started
                raise TimeoutError(f"nothing came for {waited:.1f} s")
