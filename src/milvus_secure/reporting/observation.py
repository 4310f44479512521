"""What the probe learned about an endpoint: immutable records, judged later by pure rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import x509


# What Envoy says where it answers itself: source/common/router/router.cc, and the filters rbac and
# jwt_authn.
ENVOY_UPSTREAM = (
    "no healthy upstream",
    "upstream connect error or disconnect/reset before headers",
    "upstream request timeout",
)
ENVOY_LOGIN = ("RBAC: access denied", "Jwt is missing", "Jwt is expired", "Jwt verification fails")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the probe.

    Attributes:
        name: ``proxy``, ``resolve``, ``tcp``, ``http2``, ``tls``, ``client-certificate``,
            ``grpc`` or ``milvus``.
        ok: True if it succeeded, False if it failed, None if it was not tried or is not decisive.
        detail: A few words of evidence, such as the addresses or the error text.
        seconds: How long it took.
    """

    name: str
    ok: bool | None
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """The server asked for a client certificate (RFC 8446, 4.3.2).

    Attributes:
        issuers: Names of the CAs the server says it accepts; empty if it names none.
        accepted: Whether the server went on with our certificate, or without one in one-way
            mode; None if that is not known.
        alert: The alert with which it refused, as RFC 8446, 6.2, names it.
        unsent: True if ours was not sent, because the server accepts no key of its type.
    """

    issuers: tuple[str, ...] = ()
    accepted: bool | None = None
    alert: str | None = None
    unsent: bool = False


@dataclass(frozen=True)
class TLSHandshake:
    """A TLS handshake that verifies nothing and presents no client certificate.

    Attributes:
        complete: Whether it came to its end on our side. Under TLS 1.3 the server may still
            refuse.
        version: Such as ``TLSv1.3``.
        cipher: The cipher suite's name.
        alpn: The protocol selected, ``h2`` for gRPC; empty or None when none was.
        chain: The certificates as served, leaf first if the server is in order; empty if
            cryptography cannot read the leaf.
        unread: How many certificates were served that cryptography cannot read.
        alert: The alert the server sent, as RFC 8446, 6.2, names it.
        error: OpenSSL's words for a failure.
        request: The server's request for a client certificate, if it made one.
        closed: Whether the server closed the connection after a handshake that it had accepted,
            without an alert and before any data.
        ciphers_refused: Whether the server refuses the cipher suites that gRPC offers.
        group_refused: The group that the server chose for the key exchange, where gRPC does not
            offer it.
        foreign_answer: What a program that agreed to HTTP/2 said instead, its first bytes, escaped.
    """

    complete: bool = False
    version: str | None = None
    cipher: str | None = None
    alpn: str | None = None
    chain: tuple[x509.Certificate, ...] = ()
    unread: int = 0
    alert: str | None = None
    error: str = ""
    request: CertificateRequest | None = None
    closed: bool = False
    ciphers_refused: bool = False
    group_refused: str = ""
    foreign_answer: str = ""

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: certificates travel as DER, for process pools that return errors."""
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

        chain = tuple(certificate.public_bytes(Encoding.DER) for certificate in self.chain)
        return {**vars(self), "chain": chain}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__` returned."""
        from cryptography import x509  # noqa: PLC0415 - only its type is known above

        vars(self).update(state, chain=tuple(map(x509.load_der_x509_certificate, state["chain"])))


@dataclass(frozen=True, slots=True)
class GRPCChannel:
    """A gRPC channel with the user's own material: the final verdict on the connection.

    Attributes:
        ready: Whether gRPC got its connection.
        status: Status name of the Milvus call, such as ``OK`` or ``UNAUTHENTICATED``.
        details: gRPC's words, or those of the server that answered the call.
        http_status: Status of an answer that is no gRPC, and so is an HTTP server's.
    """

    ready: bool
    status: str
    details: str = ""
    http_status: int | None = None

    @property
    def envoy_status(self) -> int | None:
        """The HTTP status of an answer that Envoy has put into gRPC's form, or None.

        Its own answers to a call (Istio, Contour, Gateway API) have HTTP status 200 and a
        ``grpc-status``; only their texts tell them from a server's.
        """
        if self.details.startswith(ENVOY_UPSTREAM):
            return 503
        return 403 if self.details.startswith(ENVOY_LOGIN) else None


@dataclass(frozen=True, slots=True)
class MilvusAnswer:
    """What Milvus answered to Connect, or to GetVersion before 2.2.9.

    Attributes:
        code: ``Status.code``; 0 is success. Where only the older ``error_code`` is set, the code
            that it amounts to.
        reason: Milvus's own words.
        version: Such as ``v2.3.5``; empty when the call does not tell it.
    """

    code: int
    reason: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ProxyTunnel:
    """What an HTTP proxy of the environment did with our CONNECT.

    Attributes:
        name: Its URI and the variable that names it, credentials masked.
        open: Whether it opened a tunnel to the endpoint; all else was then observed through it.
        status: The HTTP status it refused with, if it answered.
        detail: Evidence of a failure.
        direct: Whether the endpoint accepts connections without the proxy; None if not tried.
    """

    name: str
    open: bool
    status: int | None = None
    detail: str = ""
    direct: bool | None = None


@dataclass(frozen=True)
class Observation:
    """The endpoint as it presented itself.

    A field is None, or empty, when its step was not reached or showed nothing.

    Attributes:
        address: ``host:port`` that was asked for.
        steps: All steps in order, for people to read.
        failure: Code of what ended the probe early, such as ``tcp-refused``, when no other field
            says it.
        failure_detail: Evidence for it, such as the error text of the system.
        addresses: The IP addresses the host resolved to.
        protocol: ``tls``, ``http2`` (plaintext HTTP/2), ``http1``, ``silence``, ``closed`` (the
            peer closed the connection without an answer) or ``other``.
        greeting: The first bytes of a peer that speaks none of these, escaped.
        tls: The TLS handshake, if the peer speaks TLS.
        grpc: The gRPC channel, if one could be made.
        milvus: Milvus's answer, if there was one.
        proxy: The HTTP proxy that gRPC goes through, if there is one.
        host_tls: A second handshake with the URI's host as server name, made where
            ``server_name`` is another and the connection failed.
    """

    address: str
    steps: tuple[Step, ...] = ()
    failure: str | None = None
    failure_detail: str = ""
    addresses: tuple[str, ...] = ()
    protocol: str | None = None
    greeting: str = ""
    tls: TLSHandshake | None = None
    grpc: GRPCChannel | None = None
    milvus: MilvusAnswer | None = None
    proxy: ProxyTunnel | None = None
    host_tls: TLSHandshake | None = None

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates as served; empty if none were."""
        return self.tls.chain if self.tls else ()

    @property
    def grpc_ready(self) -> bool:
        """True if gRPC, the final judge, got its connection."""
        return self.grpc is not None and self.grpc.ready

    def to_dict(self) -> dict[str, Any]:
        """The observation as the report's JSON has it under ``server``."""
        from ..pem.certificate import subject_text  # noqa: PLC0415 - the record itself needs no parser

        tls = self.tls or TLSHandshake()
        request = tls.request or CertificateRequest()
        return {
            "address": self.address,
            "addresses": list(self.addresses),
            "proxy": self.proxy.name if self.proxy else None,
            "speaks": self.protocol,
            "tls_version": tls.version,
            "cipher": tls.cipher,
            "alpn": tls.alpn,
            "alert": request.alert or tls.alert,
            "chain": [subject_text(certificate) for certificate in tls.chain],
            "client_certificate_requested": tls.request is not None if self.tls else None,
            "client_certificate_accepted": request.accepted,
            "accepted_issuers": list(request.issuers),
            "milvus_version": (self.milvus.version or None) if self.milvus else None,
            "steps": [
                {"name": s.name, "ok": s.ok, "detail": s.detail, "seconds": round(s.seconds, 4)}
                for s in self.steps
            ],
        }
