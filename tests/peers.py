"""Odd servers on loopback: every way a peer can fail to be a Milvus over TLS.

Each is a context manager that yields a port, serves any number of clients from a thread of its
own, and ends all of them when its block ends.
"""

from __future__ import annotations

import http.server
import select
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import grpc
from OpenSSL import SSL, crypto

import minting

Serve = Callable[[socket.socket], None]


@contextmanager
def tcp(serve: Serve, *, host: str = "127.0.0.1") -> Iterator[int]:
    """A TCP server that hands each connection, with its end, to a function."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener, ExitStack() as stack:
        open_ones: list[socket.socket] = []
        threads: list[threading.Thread] = []

        def one(connection: socket.socket) -> None:
            with closing(connection), suppress(OSError, SSL.Error):
                serve(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    open_ones.append(connection)
                    threads.append(threading.Thread(target=one, args=(connection,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()

        def stop() -> None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for connection in open_ones:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()

        stack.callback(stop)
        yield listener.getsockname()[1]


def drain(connection: socket.socket) -> None:
    """Read until the client goes away."""
    while connection.recv(65_536):
        pass


def says(data: bytes, *, first: bool = False) -> Serve:
    """Answer the client's first bytes, or greet it before it speaks, then keep quiet."""

    def serve(connection: socket.socket) -> None:
        if not first:
            connection.recv(65_536)
        connection.sendall(data)
        drain(connection)

    return serve


def silent(connection: socket.socket) -> None:
    """Take everything and say nothing."""
    drain(connection)


def hangs_up(connection: socket.socket) -> None:
    """Close without a word, as soon as the client has spoken."""
    connection.recv(65_536)


def resets(connection: socket.socket) -> None:
    """Reset at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def floods(data: bytes) -> Serve:
    """Send the same bytes for as long as the client takes them."""

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


def proxies_to(port: int) -> Serve:
    """An HTTP proxy whose every CONNECT leads to one port on loopback."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        with socket.create_connection(("127.0.0.1", port)) as onward:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            ends = {connection: onward, onward: connection}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    data = ready.recv(65_536)
                    if not data:
                        return
                    ends[ready].sendall(data)

    return serve


@contextmanager
def closed_port() -> Iterator[int]:
    """A port nothing listens on: bound, so that nothing else takes it meanwhile."""
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


@contextmanager
def tls(
    server: minting.Minted,
    *,
    alpn: Sequence[bytes] = (b"h2",),
    versions: tuple[int, int] = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION),
    clients: minting.Minted | None = None,
    then: Callable[[SSL.Connection], None] | None = None,
) -> Iterator[int]:
    """A TLS server; after the handshake it says nothing unless told otherwise.

    Args:
        server: Its certificate.
        alpn: What it agrees to; nothing turns ALPN off.
        versions: The lowest and the highest it speaks.
        clients: The CA its clients must show a certificate of.
        then: What it does after the handshake.
    """
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.set_min_proto_version(versions[0])
        context.set_max_proto_version(versions[1])
    context.use_certificate(server.certificate)
    for above in server.above[:-1]:
        context.add_extra_chain_cert(above)
    context.use_privatekey(server.key)
    if alpn:
        context.set_alpn_select_callback(
            lambda _, offered: next(
                (one for one in alpn if one in offered), SSL.NO_OVERLAPPING_PROTOCOLS
            )
        )
    if clients is not None:
        context.set_verify(
            SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *seen: bool(seen[-1])
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # older pyOpenSSL takes nothing but its own type here
            context.get_cert_store().add_cert(crypto.X509.from_cryptography(clients.certificate))
            context.add_client_ca(crypto.X509.from_cryptography(clients.certificate))

    def serve(connection: socket.socket) -> None:
        session = SSL.Connection(context, connection)
        session.set_accept_state()
        session.do_handshake()
        if then is not None:
            then(session)
        while True:
            session.recv(65_536)

    with tcp(serve) as port:
        yield port


@contextmanager
def https(server: minting.Minted, folder: Path) -> Iterator[int]:
    """Python's own web server over TLS, HTTP/1 only."""
    (folder / "https.pem").write_bytes(server.chain_pem + server.key_pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "https.pem")
    context.set_alpn_protocols(["http/1.1"])
    with _web(context) as port:
        yield port


@contextmanager
def http1() -> Iterator[int]:
    """Python's own web server in plaintext."""
    with _web(None) as port:
        yield port


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class _Web(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # clients that hang up are what is tested here


@contextmanager
def _web(context: ssl.SSLContext | None) -> Iterator[int]:
    with _Web(("127.0.0.1", 0), _Quiet) as web:
        if context is not None:
            web.socket = context.wrap_socket(
                web.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield web.server_address[1]
        finally:
            web.shutdown()
            thread.join()


@contextmanager
def grpc_server(
    server: minting.Minted | None,
    *,
    clients: minting.Minted | None = None,
    answer: Callable[[str, grpc.ServicerContext], bytes] | None = None,
) -> Iterator[int]:
    """A gRPC server that is no Milvus; in plaintext without a certificate.

    Args:
        server: Its certificate.
        clients: The CA its clients must show a certificate of.
        answer: Answers every method, given its name; without it there are none.
    """

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails):
            if answer is None:
                return None
            return grpc.unary_unary_rpc_method_handler(
                lambda _, context: answer(details.method, context)
            )

    with ThreadPoolExecutor(2) as pool:
        listener = grpc.server(pool, handlers=(Handler(),), options=[("grpc.so_reuseport", 0)])
        if server is None:
            port = listener.add_insecure_port("127.0.0.1:0")
        else:
            port = listener.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(
                [(server.key_pem, server.chain_pem)],
                root_certificates=clients.pem if clients else None,
                require_client_auth=clients is not None,
            ))  # fmt: skip
        listener.start()
        try:
            yield port
        finally:
            listener.stop(None).wait()
