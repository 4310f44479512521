"""What is accepted today and may not be for long: dates, weak keys and hashes, pinned leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from ...pem.certificate import (
    issued,
    issuer_of,
    name_text,
    public_key,
    same_name,
    subject_of,
    validity,
)
from ...reporting.report import Finding, Severity, finding
from ...verification.extensions import span
from ...verification.signatures import describe_key, digest_of
from ..context import Context

SIGN_AGAIN = "Have it signed again with SHA-256."
SIGN_AGAIN_COMMAND = (
    "openssl x509 -req -sha256 -in server.csr -CA ca.pem -CAkey ca.key -days 365 "
    "-copy_extensions copy -out server.pem"
)


def certificate_expiring(context: Context) -> Iterator[Finding]:
    """Yield for what ends within the warning days; of spare anchors only if all of them do."""
    limit = timedelta(days=context.settings.expiry_warning_days)
    anchor = context.anchor_material
    spare = set(anchor.certificates) if anchor and context.server_chain is None else set()
    lasting = any(validity(item)[1] - context.now > limit for item in spare)
    for item, setting, source, origin in context.in_use:
        remaining = validity(item)[1] - context.now
        if remaining < timedelta() or remaining > limit or (item in spare and lasting):
            continue
        restart = "" if setting.startswith("client") else ", and restart Milvus to load it"
        yield finding(
            "certificate-expiring",
            f"The certificate of {name_text(subject_of(item))} expires in {span(remaining)}.",
            f"Renew it in time{restart}.",
            command="milvus-secure certs renew DIR",
            setting=setting,
            source=source,
            origin=origin,
            expected=f"more than {context.settings.expiry_warning_days} days left",
            presented=f"valid until {validity(item)[1]:%Y-%m-%d %H:%M:%S} UTC",
        )


def weak_key(context: Context) -> Iterator[Finding]:
    """Yield for keys below 112 bits of strength (NIST SP 800-57), which gRPC still takes."""
    for item, setting, source, origin in context.in_use:
        key = public_key(item)
        short = (isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey) and key.key_size < 2048) or (
            isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 224
        )
        if short and not _already_refused(context, item):
            name, too_short = name_text(subject_of(item)), _too_short_for_tls13(context, item)
            yield finding(
                "weak-key",
                f"The key of {name} is too short for the signatures of TLS 1.3."
                if too_short
                else f"The key of {name} is short: gRPC accepts it, other clients do not.",
                "Make a new key on the curve P-256, and have a certificate issued for it.",
                severity=Severity.ERROR if too_short else None,
                command="openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "
                "server.key -out server.csr",
                setting=setting,
                source=source,
                origin=origin,
                expected="RSA 2048 or longer, or ECDSA on P-256 or P-384",
                presented=describe_key(item),
            )


def _too_short_for_tls13(context: Context, certificate: x509.Certificate) -> bool:
    """Whether gRPC was refused by a server that cannot sign with this key as TLS 1.3 demands.

    RSA-PSS with SHA-256 takes 66 bytes (RFC 8446, 4.2.3; RFC 8017, 9.1.1). Under TLS 1.2 gRPC
    accepts shorter keys.
    """
    key = public_key(certificate)
    tls = context.observation.tls if context.observation else None
    refused = tls is not None and not tls.complete and tls.chain[:1] == (certificate,)
    return refused and isinstance(key, rsa.RSAPublicKey) and (key.key_size + 7) // 8 < 66


def weak_signature(context: Context) -> Iterator[Finding]:
    """Yield for SHA-1 and MD5 where gRPC accepts them; a root's own signature is not checked."""
    for item, setting, source, origin in context.in_use:
        digest = digest_of(item)
        if not isinstance(digest, hashes.SHA1 | hashes.MD5) or same_name(
            subject_of(item), issuer_of(item)
        ):
            continue
        if not _already_refused(context, item):
            name, word = name_text(subject_of(item)), digest.name.upper()
            yield finding(
                "weak-signature",
                f"{name} is signed with {word}; gRPC accepts it, Go, OpenSSL and Python do not.",
                SIGN_AGAIN,
                command=SIGN_AGAIN_COMMAND,
                setting=setting,
                source=source,
                origin=origin,
                expected="SHA-256 or better",
                presented=word,
            )


def _already_refused(context: Context, certificate: x509.Certificate) -> bool:
    return any(
        failure.code in {"weak-key", "weak-signature"} and certificate in chain.certificates
        for chain, verdict in context.judged_chains
        for failure in verdict.failures
    )


def pinned_leaf(context: Context) -> Iterator[Finding]:
    """Yield when the server is trusted for its own certificate, not for its CA's."""
    chain, verdict, anchor = context.server_chain, context.server_verdict, context.anchor_material
    if chain is None or verdict is None or anchor is None or not verdict.pinned:
        return
    yield finding(
        "pinned-leaf",
        "The trust anchor is the server's certificate itself, so its next renewal breaks this "
        "client.",
        f"Set {anchor.setting} to the certificate of the CA that issued it.",
        setting=anchor.setting,
        source=anchor.source,
        origin=anchor.origin,
        expected=f"the CA, {name_text(issuer_of(chain.leaf))}",
        presented=f"the leaf, {name_text(subject_of(chain.leaf))}",
    )


def shared_subject(context: Context) -> Iterator[Finding]:
    """Yield for a leaf with its issuer's name, as the Milvus guide's gen.sh makes it."""
    for chain, verdict in context.judged_chains:
        leaf = chain.leaf
        refused = any(failure.code == "shared-subject" for failure in verdict.failures)
        reported = refused and chain is context.server_chain
        if not same_name(subject_of(leaf), issuer_of(leaf)) or issued(leaf, leaf) or reported:
            continue
        name = name_text(subject_of(leaf))
        yield finding(
            "shared-subject",
            f"The certificate and the CA that issued it have the same name, {name}.",
            "Reissue it with a different subject.",
            command="milvus-secure certs repair DIR",
            severity=Severity.WARNING,
            setting=chain.setting,
            source=chain.source,
            origin=chain.origin,
            expected="two different subjects",
            presented=f"subject and issuer {name}",
        )
