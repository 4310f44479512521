"""Odd TCP peers on loopback, and ports where none answers.

`tcp` serves any number of clients, each from a thread of its own, and ends all of them when its
block ends; the functions it is given say what is done with a connection.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from OpenSSL import SSL

Serve = Callable[[socket.socket], None]


@contextmanager
def tcp(serve: Serve, *, host: str = "127.0.0.1") -> Iterator[int]:
    """A TCP server that hands each connection, with its end, to a function."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener, ExitStack() as stack:
        open_ones: list[socket.socket] = []
        threads: list[threading.Thread] = []

        def serve_connection(connection: socket.socket) -> None:
            with closing(connection), suppress(OSError, SSL.Error):
                serve(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    open_ones.append(connection)
                    threads.append(threading.Thread(target=serve_connection, args=(connection,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()

        def stop() -> None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            acceptor.join(60)
            for connection in open_ones:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(60)

        stack.callback(stop)
        yield listener.getsockname()[1]


def drain(connection: socket.socket) -> None:
    """Read until the client goes away."""
    while connection.recv(65_536):
        pass


def answers(data: bytes, *, first: bool = False) -> Serve:
    """Answer the client's first bytes, or send before it does; then send nothing more."""

    def serve(connection: socket.socket) -> None:
        if not first:
            connection.recv(65_536)
        connection.sendall(data)
        drain(connection)

    return serve


def silent(connection: socket.socket) -> None:
    """Read everything and send nothing."""
    drain(connection)


def closes_after_data(connection: socket.socket) -> None:
    """Close without an answer as soon as the client has sent something."""
    connection.recv(65_536)


def resets(connection: socket.socket) -> None:
    """Reset at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def floods(data: bytes) -> Serve:
    """Send the same bytes as long as the client reads them."""

    def serve(connection: socket.socket) -> None:
        while True:
            connection.sendall(data)

    return serve


def drips(data: bytes, closing_down: threading.Event) -> Serve:
    """Send one byte every 50 ms."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        for byte in data:
            if closing_down.wait(0.05):
                return
            connection.sendall(bytes([byte]))
        drain(connection)

    return serve


def proxies_to(port: int, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Serve:
    """An HTTP proxy that connects every CONNECT to one port on loopback."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as onward:
            connection.sendall(answer)
            ends = {connection: onward, onward: connection}
            while True:
                for ready in select.select(list(ends), [], [], 60)[0]:
                    data = ready.recv(65_536)
                    if not data:
                        return
                    ends[ready].sendall(data)

    return serve


@contextmanager
def closed_port() -> Iterator[int]:
    """A port nothing listens on: bound, so that no other program can use it meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def dropping_port() -> Iterator[int]:
    """A port that drops packets: its backlog is full, so Linux ignores every SYN."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            if not select.select([], [filler], [], 0.1)[1]:
                break
        yield port
