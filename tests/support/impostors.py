"""Servers on loopback in place of a Milvus: TLS, web and gRPC, with the faults a test needs.

Each is a context manager that yields a port, and ends with its block; `status` and `aborting` are
answers for `grpc_server`.
"""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from OpenSSL import SSL, crypto
from pymilvus.grpc_gen import common_pb2, milvus_pb2

import minting
import peers

Answer = Callable[[str, grpc.ServicerContext], bytes]


@contextmanager
def tls(
    server: minting.Minted,
    *,
    alpn: Sequence[bytes] = (b"h2",),
    versions: tuple[int, int] = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION),
    clients: minting.Minted | None = None,
    then: Callable[[SSL.Connection], None] | None = None,
) -> Iterator[int]:
    """A TLS server; by default it sends nothing after the handshake.

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
                (item for item in alpn if item in offered), SSL.NO_OVERLAPPING_PROTOCOLS
            )
        )
    if clients is not None:
        context.set_verify(
            SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
            lambda *arguments: bool(arguments[-1]),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # older pyOpenSSL accepts only its own type here
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

    with peers.tcp(serve) as port:
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
        pass  # clients that close the connection are tested here


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
            thread.join(60)


@contextmanager
def grpc_server(
    server: minting.Minted | None,
    *,
    clients: minting.Minted | None = None,
    answer: Answer | None = None,
) -> Iterator[int]:
    """A gRPC server that is not Milvus; plaintext if it has no certificate.

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
            port = listener.add_secure_port(
                "127.0.0.1:0",
                grpc.ssl_server_credentials(
                    [(server.key_pem, server.chain_pem)],
                    root_certificates=clients.pem if clients else None,
                    require_client_auth=clients is not None,
                ),
            )
        listener.start()
        try:
            yield port
        finally:
            listener.stop(None).wait(60)


def status(**fields) -> Answer:
    """Answer every call as a Milvus would, with this status."""
    response = milvus_pb2.ConnectResponse(
        status=common_pb2.Status(**fields),
        server_info=common_pb2.ServerInfo(build_tags="v2.6.1"),
    )
    return lambda *_: response.SerializeToString()


def aborting(code: grpc.StatusCode, words: str = "no") -> Answer:
    """Refuse every call."""

    def answer(_: str, context: grpc.ServicerContext) -> bytes:
        context.abort(code, words)

    return answer
