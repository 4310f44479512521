"""What the probe saw of an endpoint: one immutable record, judged later by pure rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder.

    Attributes:
        name: ``resolve``, ``tcp``, ``proxy``, ``tls``, ``client-certificate``, ``grpc`` or
            ``milvus``.
        ok: True if it succeeded, False if it failed, None if it was not tried or tells nothing.
        detail: A few words of evidence, such as the addresses or the error text.
        seconds: How long it took.
    """

    name: str
    ok: bool | None
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Observation:
    """The endpoint as it presented itself.

    A field is None, or empty, when its step was not reached or told nothing.

    Attributes:
        address: ``host:port`` that was asked for.
        steps: The ladder in order, for people to read.
        failure: Code of what kept the probe from going on, such as ``tcp-refused``, when no
            other field tells.
        failure_detail: Evidence for it, such as the error text of the system.
        addresses: The IP addresses the host resolved to.
        speaks: ``tls``, ``http2`` (plaintext HTTP/2), ``http1``, ``silence``, ``closed`` (hung
            up without a word) or ``other``.
        greeting: The first bytes of a peer that speaks none of these, escaped.
        tls_version: Such as ``TLSv1.3``.
        cipher: The cipher suite's name.
        alpn: The protocol selected, ``h2`` for gRPC; empty when none was.
        chain: The certificates as served, leaf first if the server is in order.
        tls_complete: Whether a handshake that presents no certificate came to its end on our
            side. Under TLS 1.3 the server may still refuse.
        alert: The alert the peer sent, as RFC 8446, 6.2, names it.
        tls_error: The handshake's error in OpenSSL's words.
        client_certificate_requested: Whether the server asked for one.
        client_certificate_accepted: Whether it took ours, or did without; None if unknown.
        accepted_issuers: Names of the CAs it accepts client certificates from.
        grpc_state: ``ready``, or the error text of a gRPC channel with the user's own material;
            None when none was made.
        grpc_code: Status name of the Milvus call, such as ``OK`` or ``UNAUTHENTICATED``.
        milvus_version: The version the server told.
        milvus_code: ``Status.code`` of Milvus's answer, 0 for success.
        milvus_detail: The reason Milvus or gRPC gave for refusing the call.
        proxy: The HTTP proxy gRPC goes through, credentials masked.
    """

    address: str
    steps: tuple[Step, ...] = ()
    failure: str | None = None
    failure_detail: str = ""
    addresses: tuple[str, ...] = ()
    speaks: str | None = None
    greeting: str = ""
    tls_version: str | None = None
    cipher: str | None = None
    alpn: str | None = None
    chain: tuple[x509.Certificate, ...] = ()
    tls_complete: bool | None = None
    alert: str | None = None
    tls_error: str = ""
    client_certificate_requested: bool | None = None
    client_certificate_accepted: bool | None = None
    accepted_issuers: tuple[str, ...] = ()
    grpc_state: str | None = None
    grpc_code: str | None = None
    milvus_version: str | None = None
    milvus_code: int | None = None
    milvus_detail: str = ""
    proxy: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The observation as the report's JSON has it under ``server``."""
        from ..pem.certificate import subject_text  # noqa: PLC0415 - the record itself needs no parser

        return {
            "address": self.address,
            "addresses": list(self.addresses),
            "proxy": self.proxy,
            "speaks": self.speaks,
            "tls_version": self.tls_version,
            "cipher": self.cipher,
            "alpn": self.alpn,
            "alert": self.alert,
            "chain": [subject_text(certificate) for certificate in self.chain],
            "client_certificate_requested": self.client_certificate_requested,
            "client_certificate_accepted": self.client_certificate_accepted,
            "accepted_issuers": list(self.accepted_issuers),
            "milvus_version": self.milvus_version,
            "steps": [
                {"name": s.name, "ok": s.ok, "detail": s.detail, "seconds": round(s.seconds, 4)}
                for s in self.steps
            ],
        }

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: certificates travel as DER, for pools that send errors home."""
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

        chain = tuple(certificate.public_bytes(Encoding.DER) for certificate in self.chain)
        return {**vars(self), "chain": chain}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take up what `__getstate__` gave."""
        from cryptography import x509  # noqa: PLC0415 - only its type is known above

        vars(self).update(state, chain=tuple(map(x509.load_der_x509_certificate, state["chain"])))
