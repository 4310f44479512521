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
        name: ``resolve``, ``tcp``, ``tls``, ``client-certificate``, ``grpc``, ``milvus`` ...
        ok: True if it succeeded, False if it failed, None if it was not reached.
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

    A field is None when its step was not reached; ``failure`` then holds the finding code of
    the step that failed, if the step itself tells.

    Attributes:
        address: ``host:port`` that was asked for.
        steps: The ladder in order, for people to read.
        failure: Code of the step that ended the climb, such as ``tcp-refused``, or None.
        failure_detail: Evidence for it, such as the error text of the peer or the system.
        addresses: The IP addresses the host resolved to.
        speaks: ``tls``, ``http2`` (plaintext HTTP/2), ``http1``, ``silence`` or ``other``.
        tls_version: Such as ``TLSv1.3``.
        cipher: The cipher suite's name.
        alpn: The protocol selected, ``h2`` for gRPC; empty when none was.
        chain: The certificates as served, leaf first if the server is in order.
        client_certificate_requested: Whether the server asked for one.
        accepted_issuers: Names of the CAs it accepts client certificates from.
        grpc_state: ``ready`` or the error text of a gRPC channel with the user's own material.
        milvus_version: The version the server told.
        milvus_code: gRPC status name or Milvus error of the Connect call when it failed.
    """

    address: str
    steps: tuple[Step, ...] = ()
    failure: str | None = None
    failure_detail: str = ""
    addresses: tuple[str, ...] = ()
    speaks: str | None = None
    tls_version: str | None = None
    cipher: str | None = None
    alpn: str | None = None
    chain: tuple[x509.Certificate, ...] = ()
    client_certificate_requested: bool | None = None
    accepted_issuers: tuple[str, ...] = ()
    grpc_state: str | None = None
    milvus_version: str | None = None
    milvus_code: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The observation as the report's JSON has it under ``server``."""
        return {
            "address": self.address,
            "addresses": list(self.addresses),
            "speaks": self.speaks,
            "tls_version": self.tls_version,
            "cipher": self.cipher,
            "alpn": self.alpn,
            "chain": [certificate.subject.rfc4514_string() for certificate in self.chain],
            "client_certificate_requested": self.client_certificate_requested,
            "accepted_issuers": list(self.accepted_issuers),
            "milvus_version": self.milvus_version,
            "steps": [
                {"name": s.name, "ok": s.ok, "detail": s.detail, "seconds": round(s.seconds, 4)}
                for s in self.steps
            ],
        }
