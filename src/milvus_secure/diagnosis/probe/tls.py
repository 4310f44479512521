"""A TLS handshake that records everything and verifies nothing.

It verifies nothing, so that even a broken chain is recorded, and it sends no credential; the
gRPC channel with the user's own material is the judge.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from OpenSSL import SSL

from ..._common.endpoint import server_name_indication
from ...reporting.observation import CertificateRequest, TLSHandshake
from .protocol import DESCRIPTIONS, PREFACE, classify, listen, shown
from .sockets import DeadlineSocket

if TYPE_CHECKING:
    from cryptography import x509
    from OpenSSL import crypto

MAX_CHAIN = 32
_CHUNK = 65_536


@dataclass
class HandshakeResult:
    """A handshake in progress.

    Attributes are those of `Observation` and `TLSHandshake`, and these:

        requested: Whether the server asked for a client certificate.
        issuers: The CAs it accepts client certificates from.
        reaction: What came after the handshake: ``data``, ``closed``, ``alert``, or None when
            nothing came.
        confirmed: Whether the server has said that the handshake is complete on its side too,
            and with it that it accepts our certificate: by its Finished up to TLS 1.2, by a
            session ticket or data since (RFC 8446, 4.6.1).
        proved: Whether we presented a certificate and proved to have its key. OpenSSL presents none
            whose key the server has not named among its signature algorithms.
        other_server: Whether we ended it, because another server than before presented itself.
        unreadable: How many served certificates OpenSSL accepted and cryptography cannot parse.
        group: The group of the key exchange, such as ``x25519``; empty if OpenSSL does not say.
        foreign_answer: What a program that agreed to HTTP/2 said instead, escaped.
    """

    protocol: str | None = None
    greeting: str = ""
    complete: bool = False
    version: str | None = None
    cipher: str | None = None
    alpn: str | None = None
    chain: tuple[x509.Certificate, ...] = ()
    requested: bool = False
    issuers: tuple[str, ...] = ()
    alert: str | None = None
    error: str = ""
    reaction: str | None = None
    confirmed: bool = False
    proved: bool = False
    other_server: bool = False
    unreadable: int = 0
    group: str = ""
    ciphers_refused: bool = False
    group_refused: str = ""
    foreign_answer: str = ""

    def record(self, request: CertificateRequest | None = None) -> TLSHandshake:
        """The immutable record of it."""
        return TLSHandshake(
            complete=self.complete,
            version=self.version,
            cipher=self.cipher,
            alpn=self.alpn,
            chain=self.chain,
            unread=self.unreadable,
            alert=self.alert,
            error=self.error,
            request=request,
            closed=self.closed,
            ciphers_refused=self.ciphers_refused,
            group_refused=self.group_refused,
            foreign_answer=self.foreign_answer,
        )

    def keep_chain(self, parsed: Sequence[x509.Certificate | None]) -> None:
        """Keep what was served; None means a certificate that cannot be parsed."""
        self.chain = tuple(certificate for certificate in parsed if certificate is not None)
        self.unreadable = len(parsed) - len(self.chain)
        if not parsed or parsed[0] is None:
            self.chain = ()  # without the leaf, the first of the others would be mistaken for it

    @property
    def summary(self) -> str:
        """How it went, in a few words."""
        if self.protocol != "tls":
            return DESCRIPTIONS[self.protocol or "closed"]
        if not self.complete:
            return f"alert {self.alert}" if self.alert else self.error
        alpn = f"ALPN {self.alpn}" if self.alpn else "no ALPN"
        broken = f"{self.unreadable} served certificates cannot be read" if self.unreadable else ""
        return ", ".join(filter(None, (self.version, self.cipher, alpn, broken)))

    @property
    def closed(self) -> bool:
        """True if the server closed a connection that it had accepted, before any data."""
        return self.reaction == "closed" and (self.confirmed or not self.requested)


class Handshake:
    """One TLS connection over a wire, driven by hand, so that every byte is counted and recorded.

    Args:
        wire: Connected; stays the caller's to close.
        server_name: For SNI, unless it is an IP address (RFC 6066, section 3), as gRPC does.
        context: `anonymous()`, or `presenting(...)`.
        patience: Seconds to wait for the first byte; to the wire's deadline when None.
    """

    def __init__(
        self,
        wire: DeadlineSocket,
        server_name: str,
        context: SSL.Context,
        patience: float | None = None,
    ) -> None:
        self.result = HandshakeResult()
        self._wire = wire
        self._patience = patience
        self._tls = SSL.Connection(context, None)
        self._tls.set_app_data(self.result)
        self._tls.set_connect_state()
        name = server_name_indication(server_name)
        if name:
            self._tls.set_tlsext_host_name(name.encode("ascii"))

    def run(self) -> HandshakeResult:
        """Shake hands; never raises for what the peer does."""
        result = self.result
        try:
            self._shake()
            result.complete = True
        except SSL.Error as error:
            result.error = _words(error)
            self._flush_quietly()
        except TimeoutError:
            result.error = "the peer stopped answering in the middle of the handshake"
        except OSError as error:
            result.error = error.strerror.lower() if error.strerror else str(error)
        result.protocol = result.protocol or "closed"
        if result.protocol == "tls":
            self._record()
        return result

    def await_reaction(self, seconds: float) -> HandshakeResult:
        """Read before anything is written: under TLS 1.3 a refusal arrives as the first read.

        Where it closes without an alert, `confirmed` says whether it had accepted us.
        """
        result = self.result
        deadline = self._wire.deadline.within(seconds)
        try:
            while not self._decrypted():
                data = self._wire.read(deadline.left)
                if not data:
                    raise ConnectionError("the server closed the connection")
                self._tls.bio_write(data)
            result.reaction, result.confirmed = "data", True
        except SSL.Error as error:
            result.reaction = "alert" if result.alert else "closed"
            result.error = _words(error)
        except TimeoutError:
            result.reaction = None  # it keeps the connection open
        except OSError as error:
            result.reaction, result.error = "closed", str(error)
        return result

    def begin_http2(self, seconds: float) -> None:
        """Begin HTTP/2 inside TLS, without any call, and see whether HTTP/2 answers it."""
        deadline, data = self._wire.deadline.within(seconds), b""
        with suppress(SSL.Error, OSError):
            self._tls.send(PREFACE)
            self._flush()
            while classify(data) is None:
                data += self._decrypted()
                if classify(data) is None:
                    more = self._wire.read(deadline.left)
                    if not more:
                        break
                    self._tls.bio_write(more)
        if data and classify(data) != "http2":
            self.result.foreign_answer = shown(data)

    def _decrypted(self) -> bytes:
        """The data received and decrypted; empty if more is needed."""
        try:
            return bytes(self._tls.recv(_CHUNK))
        except SSL.WantReadError:
            return b""

    def _shake(self) -> None:
        pending = b""
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                self._flush()
            else:
                self._flush()
                return
            if self.result.protocol is None:
                protocol, pending = listen(self._wire, self._patience)
                self.result.protocol = protocol
                if protocol != "tls":
                    self.result.greeting = shown(pending) if pending else ""
                    raise ConnectionError(f"no TLS, but {protocol}")
            else:
                pending = self._wire.read()
                if not pending:
                    raise ConnectionError("the peer closed the connection during the handshake")
            self._tls.bio_write(pending)

    def _flush(self) -> None:
        while True:
            try:
                data = self._tls.bio_read(_CHUNK)
            except SSL.WantReadError:
                return
            self._wire.write(data)

    def _flush_quietly(self) -> None:
        """Send our alert, so that the server's log names the right cause too."""
        with suppress(OSError):
            self._flush()

    def _record(self) -> None:
        result, tls = self.result, self._tls
        result.version = tls.get_protocol_version_name()
        result.confirmed = result.confirmed or (result.complete and result.version != "TLSv1.3")
        result.cipher = tls.get_cipher_name()
        if result.complete:
            result.alpn = tls.get_alpn_proto_negotiated().decode("ascii", "replace")
        result.issuers = tuple(_name(name) for name in tls.get_client_ca_list()[:64])
        if hasattr(tls, "get_group_name"):  # pyOpenSSL 25.1
            result.group = tls.get_group_name() or ""
        served = (tls.get_peer_cert_chain() or ())[:MAX_CHAIN]
        result.keep_chain([_parsed(certificate) for certificate in served])


def _parsed(served: crypto.X509) -> x509.Certificate | None:
    """A served certificate, or None if OpenSSL took what cryptography cannot read."""
    from cryptography import x509  # noqa: PLC0415 - only its types are known above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd certificates are judged later
        try:
            return served.to_cryptography()
        except (ValueError, x509.InvalidVersion):
            return None


def parsed_der(data: bytes) -> x509.Certificate | None:
    """A certificate as it came, or None if neither OpenSSL nor cryptography can read it."""
    from OpenSSL import crypto  # noqa: PLC0415 - rarely needed

    try:
        return _parsed(crypto.load_certificate(crypto.FILETYPE_ASN1, data))
    except crypto.Error:
        return None


def _words(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    if isinstance(first, list):
        return "; ".join(str(entry[-1]) for entry in first) or "TLS error"
    return str(error.args[-1]) if error.args else "closed"


def _name(name: crypto.X509Name) -> str:
    return ",".join(
        f"{kind.decode('ascii', 'replace')}={value.decode('utf-8', 'replace')}"
        for kind, value in reversed(name.get_components())
    )
