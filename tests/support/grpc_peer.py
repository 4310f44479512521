"""The reference verdict on a server's chain: the installed grpcio's client in a real handshake.

A bare OpenSSL server presents any chain, also one that gRPC's own server would not load. It
runs in the calling thread and speaks just enough HTTP/2 to see the call's HEADERS arrive, which
gRPC sends only once the handshake, the peer's name and the call's host have all been accepted.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import grpc
from OpenSSL import SSL

_TIMEOUT = 10  # seconds until a silent peer is a failure of the test
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_EMPTY_SETTINGS = bytes.fromhex("000000040000000000")
_HEADERS = 1


@dataclass(frozen=True)
class Verdict:
    """Whether gRPC made the call, and its message if it did not."""

    accepted: bool
    details: str = ""

    def __bool__(self) -> bool:
        return self.accepted


def verdict(
    chain_pem: bytes,
    key_pem: bytes,
    roots_pem: bytes,
    name: str | None = None,
    *,
    host: str = "127.0.0.1",
    authority: str | None = None,
    client_pem: bytes | None = None,
    client_key_pem: bytes | None = None,
    client_ca_pem: bytes | None = None,
) -> Verdict:
    """Let gRPC connect to a server that presents a chain.

    Args:
        chain_pem: Leaf first.
        key_pem: The leaf's key.
        roots_pem: What the client trusts.
        name: The reference identifier, passed as pymilvus passes ``server_name``; None uses
            the host.
        host: A loopback address or name to dial; IPv6 literals without brackets.
        authority: A name without an address, to be taken for the host that is dialled: gRPC then
            compares it as it compares the host of a URI.
        client_pem: The client's chain, if it has one.
        client_key_pem: The client's key.
        client_ca_pem: What the server trusts; given, it requires a client certificate.
    """
    context = server_context(chain_pem, key_pem, client_ca_pem)
    family, *_, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen()
        listener.settimeout(_TIMEOUT)
        port = listener.getsockname()[1]
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
        if name is not None:
            options.append(("grpc.ssl_target_name_override", name))
        if authority is not None:
            literal = f"[{authority}]" if ":" in authority else authority
            options.append(("grpc.default_authority", f"{literal}:{port}"))
        credentials = grpc.ssl_channel_credentials(roots_pem, client_key_pem, client_pem)
        with grpc.secure_channel(target, credentials, options) as channel:
            call = channel.unary_unary("/x/x").future(b"", timeout=_TIMEOUT)
            try:
                peer, _ = listener.accept()
            except TimeoutError:
                return Verdict(False, call.details() or "never dialled")
            with peer:
                # A call refused on an open connection sends nothing more: stop waiting for it.
                call.add_done_callback(lambda _: _hang_up(peer))
                accepted, words = _serve(SSL.Connection(context, peer), peer)
            if accepted:
                return Verdict(True)
            return Verdict(False, f"{call.details()} [server: {words}]")


def server_context(chain_pem: bytes, key_pem: bytes, client_ca_pem: bytes | None) -> SSL.Context:
    """The OpenSSL context of a server that presents a chain."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")  # the client is to judge, not this server
    with tempfile.TemporaryDirectory() as folder:  # OpenSSL loads malformed chains from files only
        pem = Path(folder, "pem")
        pem.write_bytes(key_pem + chain_pem)
        context.use_certificate_chain_file(str(pem))
        context.use_privatekey_file(str(pem))
        if client_ca_pem is not None:
            pem.write_bytes(client_ca_pem)
            context.load_verify_locations(str(pem))
            required = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
            context.set_verify(required, lambda *arguments: bool(arguments[-1]))
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_alpn_select_callback(lambda _, offered: b"h2" if b"h2" in offered else offered[0])
    return context


def _serve(connection: SSL.Connection, peer: socket.socket) -> tuple[bool, str]:
    """Serve one connection until its call's HEADERS; True and why not."""
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.settimeout(None)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _TIMEOUT, 0))
    connection.set_accept_state()
    received = b""
    try:
        connection.do_handshake()
        connection.sendall(_EMPTY_SETTINGS)
        while not _has_headers(received):
            received += connection.recv(16384)
    except (SSL.Error, OSError) as error:
        return False, f"{type(error).__name__} {error}"
    return True, ""


def _has_headers(received: bytes) -> bool:
    at = len(_PREFACE)
    while len(received) >= at + 9:
        if received[at + 3] == _HEADERS:
            return True
        at += 9 + int.from_bytes(received[at : at + 3], "big")
    return False


def _hang_up(peer: socket.socket) -> None:
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
