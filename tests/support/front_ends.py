"""Front ends of a Milvus: HTTP/2 servers that answer themselves, routes by name.

Real TLS on loopback, and just enough HTTP/2 to answer a call with an HTTP status.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import minting
import peers

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS = bytes.fromhex("000000040000000000")
_SETTINGS_ACK = bytes.fromhex("000000040100000000")
_DATA, _HEADERS, _SETTINGS_TYPE = 0, 1, 4

Then = Callable[[ssl.SSLSocket], None]


@contextmanager
def front_end(
    server: minting.Minted,
    folder: Path,
    then: Then,
    *,
    names: Mapping[str, minting.Minted] | None = None,
    strict: bool = False,
    clients: minting.Minted | None = None,
    require: bool = False,
    ciphers: str | None = None,
) -> Iterator[int]:
    """A TLS server that agrees to HTTP/2, until the block ends.

    Args:
        server: Its default certificate.
        folder: Where certificates may be written.
        then: What it does after the handshake.
        names: Other certificates by the server name (SNI) that clients ask for.
        strict: Refuse every other name with the alert unrecognized_name.
        clients: The CA of the client certificates that it requests.
        require: Refuse a handshake without an acceptable one; else only `then` does.
        ciphers: What it allows, with TLS 1.2 alone.
    """
    context = _context(server, folder, "default", ciphers)
    contexts = {
        name: _context(minted, folder, name, ciphers) for name, minted in (names or {}).items()
    }
    if clients is not None:
        context.load_verify_locations(cadata=clients.pem.decode())
        context.verify_mode = ssl.CERT_REQUIRED if require else ssl.CERT_OPTIONAL

    def choose(session: ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
        if name in contexts:
            session.context = contexts[name]
        elif strict:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return None

    context.sni_callback = choose

    def serve(connection: object) -> None:
        # A duplicate, since closing the original ends the connection with the test.
        with context.wrap_socket(connection.dup(), server_side=True) as session:
            then(session)

    with peers.tcp(serve) as port:
        yield port


def _context(
    server: minting.Minted, folder: Path, name: str, ciphers: str | None
) -> ssl.SSLContext:
    pem = folder / f"front-end-{name}.pem"
    pem.write_bytes(server.chain_pem + server.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.set_alpn_protocols(["h2"])
    if ciphers is not None:
        context.set_ciphers(ciphers)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def answers(status: int) -> Then:
    """Answer every call with an HTTP status, as a proxy does on its own behalf."""
    # A literal field without indexing, with name 8 of HPACK's static table.
    return _responds(bytes([0x08, 3]) + str(status).encode())


def replies(fields: Sequence[tuple[str, str]], body: bytes = b"") -> Then:
    """Answer every call with HTTP status 200, these header fields and this body."""
    literals = (
        bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields
    )
    return _responds(b"\x88" + b"".join(literals), body)


def _responds(block: bytes, body: bytes = b"") -> Then:
    """Answer every call with a header block and a body."""

    def response(stream: bytes) -> bytes:
        if not body:
            return _frame(_HEADERS, 5, stream, block)
        return _frame(_HEADERS, 4, stream, block) + _frame(_DATA, 1, stream, body)

    def then(session: ssl.SSLSocket) -> None:
        session.sendall(_SETTINGS)
        for kind, flags, stream in _frames(session):
            if kind == _HEADERS:
                session.sendall(response(stream))
            elif kind == _SETTINGS_TYPE and not flags:
                session.sendall(_SETTINGS_ACK)

    return then


def _frame(kind: int, flags: int, stream: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream + payload


def _frames(session: ssl.SSLSocket) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and stream of each frame a client sends, until it closes the connection."""
    data, at = b"", len(_PREFACE)
    while more := session.recv(16_384):
        data += more
        while len(data) >= at + 9 + int.from_bytes(data[at : at + 3], "big") and data[at:]:
            yield data[at + 3], data[at + 4], data[at + 5 : at + 9]
            at += 9 + int.from_bytes(data[at : at + 3], "big")


def closes(_: ssl.SSLSocket) -> None:
    """Close at once, as a load balancer does when it cannot reach its backend."""


def as_nginx(session: ssl.SSLSocket) -> None:
    """Answer 400 where no acceptable client certificate was shown (``ssl_verify_client``)."""
    answers(200 if session.getpeercert() else 400)(session)
