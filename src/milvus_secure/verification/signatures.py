"""Which keys and signatures a peer can verify, independent of OpenSSL.

BoringSSL knows hashes by ``crypto/obj/obj_xref.cc``, RSA-PSS by ``crypto/x509/rsa_pss.cc`` and
curves by ``crypto/fipsmodule/ec/ec.cc``; Go by ``signatureAlgorithmDetails``,
``getSignatureAlgorithmFromAI`` and ``namedCurveFromOID`` in ``crypto/x509``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import SignatureAlgorithmOID

from ..pem.certificate import name_text, public_key, signature_is_wrong, subject_of
from ..pem.der import SEQUENCE, content, elements
from .verdict import Failure

_PSS_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
GO_HASHES = _PSS_HASHES
GRPC_HASHES = (hashes.SHA1, hashes.SHA224, *_PSS_HASHES)
GO_SHORTEST_RSA, GO_LONGEST_RSA, GO_LONGEST_EXPONENT = 1024, 8192, 31
_RSA_PSS_KEY, _VERSION = "1.2.840.113549.1.1.10", 0xA0
_CURVES = (ec.SECP224R1, ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


def grpc_takes(leaf: x509.Certificate) -> bool:
    """Whether BoringSSL's client has a signature algorithm for a server's key."""
    return _is_rsa_or_on(leaf, ec.SECP256R1, ec.SECP384R1) and not unread_form(leaf)


def grpc_takes_under_tls12(leaf: x509.Certificate) -> bool:
    """Whether it has one up to TLS 1.2, where the algorithm does not name the curve.

    In ``ssl_privkey.cc``, ECDSA with SHA-256 goes with any known curve before TLS 1.3 (RFC 8446,
    4.2.3).
    """
    return _is_rsa_or_on(leaf, ec.SECP521R1) and not unread_form(leaf)


def go_takes(leaf: x509.Certificate) -> bool:
    """Whether Go's server has one for a client's key.

    RSA below 1024 bits is refused since Go 1.24 (``checkKeySize`` in ``crypto/rsa``), above 8192
    since 1.21 (``checkKeySize`` in ``crypto/tls/handshake_client.go``).
    """
    key = public_key(leaf)
    if unread_form(leaf, GO_LONGEST_EXPONENT):
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return GO_SHORTEST_RSA <= key.key_size <= GO_LONGEST_RSA
    on_a_curve = _is_rsa_or_on(leaf, ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
    return on_a_curve or isinstance(key, ed25519.Ed25519PublicKey)


def _is_rsa_or_on(leaf: x509.Certificate, *curves: type[ec.EllipticCurve]) -> bool:
    key = public_key(leaf)
    return isinstance(key, rsa.RSAPublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, curves)
    )


def on_unknown_curve(certificate: x509.Certificate) -> bool:
    """True if the key is on a curve that neither BoringSSL nor Go has."""
    key = public_key(certificate)
    return isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, _CURVES)


def unread_form(certificate: x509.Certificate, longest_exponent: int = 33) -> str:
    """What keeps BoringSSL and Go from reading a key of a type that they know, or an empty string.

    BoringSSL's ``crypto/evp/p_rsa_asn1.cc``, ``ec_asn1.cc`` and ``rsa_check_public_key``; Go's
    ``parsePublicKey``, and ``checkPublicKeySize`` for the exponent.

    Args:
        certificate: Whose key it is.
        longest_exponent: Bits of an RSA key's exponent that the peer accepts.
    """
    key = public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        if certificate.public_key_algorithm_oid.dotted_string == _RSA_PSS_KEY:
            return "for RSA-PSS alone"
        bits = key.public_numbers().e.bit_length()
        return f"with a public exponent of {bits} bits" if bits > longest_exponent else ""
    explicit = isinstance(key, ec.EllipticCurvePublicKey) and _has_explicit_curve(certificate)
    return "with explicit curve parameters" if explicit else ""


def _has_explicit_curve(certificate: x509.Certificate) -> bool:
    """Whether the key's curve is written out, not named (RFC 5480, 2.1.1)."""
    fields = list(elements(content(certificate.tbs_certificate_bytes, SEQUENCE)))
    _, key = fields[6 if fields[0][0] == _VERSION else 5]
    [_, (curve, _)] = elements(next(elements(key))[1])
    return curve == SEQUENCE


def cannot_verify_with(
    issuer: x509.Certificate, shortest_rsa: int = 0, longest_exponent: int = 33
) -> bool:
    """True if neither BoringSSL nor Go verifies certificates with a key of this type."""
    key = public_key(issuer)
    if unread_form(issuer, longest_exponent):
        return True
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size < shortest_rsa
    return isinstance(key, ed448.Ed448PublicKey | dsa.DSAPublicKey) or on_unknown_curve(issuer)


def digest_of(certificate: x509.Certificate) -> hashes.HashAlgorithm | None:
    """The hash a certificate was signed with, or None if there is none or it is unknown."""
    try:
        return certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None


def unknown_signature(
    child: x509.Certificate,
    issuer: x509.Certificate | None,
    known: tuple[type[hashes.HashAlgorithm], ...],
) -> str:
    """What a signature is, if it is of a kind that the peer does not know; else empty.

    Args:
        child: Whose signature it is.
        issuer: Who signed it, where that is known.
        known: The hashes that the peer knows.
    """
    digest = digest_of(child)
    if digest is None:
        return ""
    if child.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS:
        plain = isinstance(digest, _PSS_HASHES) and (issuer is None or _plain_pss(child, issuer))
        return "" if plain else f"RSA-PSS, {digest.name.upper()} and its own salt or mask"
    return "" if isinstance(digest, known) else digest.name.upper()


def _plain_pss(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    """False if it was not signed with one hash for all and a salt of the hash's length."""
    key, digest = public_key(issuer), child.signature_hash_algorithm
    if not isinstance(key, rsa.RSAPublicKey) or digest is None or signature_is_wrong(child, issuer):
        return True
    plain = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
    try:
        key.verify(child.signature, child.tbs_certificate_bytes, plain, digest)
    except InvalidSignature:
        return False
    return True


def unverifiable(
    path: Sequence[x509.Certificate],
    anchored: bool,
    known: tuple[type[hashes.HashAlgorithm], ...],
    peer: str,
    shortest_rsa: int = 0,
    longest_exponent: int = 33,
) -> Iterator[Failure]:
    """Signatures on a path, and the keys they are verified with; nobody looks at an anchor's."""
    issuers = [*path[1:], *([] if anchored else [None])]
    for child, issuer in zip(path, issuers, strict=False):
        odd = unknown_signature(child, issuer, known)
        if odd:
            yield Failure(
                "weak-signature",
                f"{peer} cannot verify a signature of this kind.",
                expected="SHA-256, SHA-384 or SHA-512",
                presented=f"{name_text(subject_of(child))} signed with {odd}",
            )
        if issuer is not None and cannot_verify_with(issuer, shortest_rsa, longest_exponent):
            least = f" of {shortest_rsa} bits or more" if shortest_rsa else ""
            yield Failure(
                "weak-key",
                f"{peer} cannot verify a certificate that was signed with this type of CA key.",
                expected=f"a CA's key of RSA{least}, or of ECDSA on P-256, P-384 or P-521",
                presented=f"{name_text(subject_of(issuer))} with {describe_key(issuer)}",
                remedy="another-ca",
            )


def describe_key(certificate: x509.Certificate) -> str:
    """A key's type and size, such as ``RSA 2048`` or ``EC secp521r1``."""
    key, form = public_key(certificate), unread_form(certificate, GO_LONGEST_EXPONENT)
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size} {form}".rstrip()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name} {form}".rstrip()
    return type(key).__name__.strip("_").removesuffix("PublicKey") if key else "an unknown type"
