"""Why no anchor was reached: a rotated key, a missing intermediate, or an unknown CA.

A cause is stated as certain only where a known certificate or the authority key identifier proves
it. A likely cause is worded as likely.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from ..pem.certificate import (
    authority_key,
    extension,
    issued,
    issuer_of,
    key_hash,
    key_id,
    may_issue,
    may_sign,
    name_text,
    same_name,
    self_issued,
    subject_of,
)
from ..pem.lenient import serial_number
from .verdict import Failure

_MANY_ANCHORS = 12  # beyond, as with the public roots, their names hide more than they tell


def explain_untrusted(
    path: Sequence[x509.Certificate],
    rest: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    spare: Sequence[x509.Certificate],
) -> Failure:
    """Explain a path that reached no anchor.

    Args:
        path: As far as it could be followed.
        rest: What else was presented.
        anchors: The trust anchors.
        spare: Certificates known from elsewhere.
    """
    top = path[-1]
    alike = [
        candidate
        for candidate in (*anchors, *rest)
        if same_name(subject_of(candidate), issuer_of(top)) and candidate != top
    ]
    if alike:
        return _of_the_right_name(path, alike, anchors)
    issuer_name = name_text(issuer_of(top))
    if self_issued(top):
        alone = f"The certificate is self-signed, and it is not a trust anchor: {issuer_name}."
        served = f"The chain ends in the self-signed {issuer_name}, which is not a trust anchor."
        return Failure(
            "chain-untrusted",
            alone if len(path) == 1 else served,
            expected=_one_of(anchors),
            presented=f"{issuer_name}, SHA-256 of the key {key_hash(top)}",
        )
    if _is_missing(top, anchors, spare):
        return Failure(
            "chain-incomplete",
            f"The intermediate certificate {issuer_name} is missing.",
            expected=f"a certificate for {issuer_name}, served after the leaf",
            presented=listed([name_text(subject_of(certificate)) for certificate in path]),
        )
    likely = _may_be_intermediate(top, anchors)
    words = " It may be an intermediate CA. If so, its certificate must be sent after the leaf."
    return Failure(
        "chain-untrusted",
        f"The certificate was issued by {issuer_name}, which is not one of the trusted CAs (trust "
        f"anchors).{words if likely else ''}",
        expected=_one_of(anchors),
        presented=f"issuer {issuer_name}",
        remedy="may-be-intermediate" if likely else "",
    )


def _of_the_right_name(
    path: Sequence[x509.Certificate],
    alike: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
) -> Failure:
    """A certificate has the issuer's name, but the peer does not accept it as the issuer."""
    top = path[-1]
    issuer_name = name_text(issuer_of(top))
    signer = next((candidate for candidate in alike if issued(candidate, top)), None)
    if self_issued(top) and signer is not None:
        return Failure(
            "shared-subject",
            f"The certificate has the same name as its issuer, {issuer_name}, so gRPC takes it for "
            "self-signed.",
            expected="a different subject, or an authority key identifier",
            presented=f"subject and issuer {issuer_name}",
        )
    if not all(map(may_sign, alike)):
        return Failure(
            "issuer-not-ca",
            f"The issuer {issuer_name} is not allowed to sign certificates.",
            expected="keyUsage with keyCertSign",
            presented=f"{issuer_name} without keyCertSign",
        )
    if signer is None:
        return other_key(top, alike, path, anchors)
    return Failure(
        "chain-untrusted",
        f"The CA {issuer_name} was renewed with the same key, but the certificate still names the "
        "CA's earlier certificate as its issuer.",
        expected=f"{issuer_name} with {_identity_wanted(top)}",
        presented=f"{issuer_name} with {_identity(signer)}",
        remedy="other-edition",
    )


def _identity_wanted(child: x509.Certificate) -> str:
    authority_key = extension(child, x509.AuthorityKeyIdentifier)
    serial = authority_key.authority_cert_serial_number if authority_key else None
    if serial is not None:
        return f"the serial number {serial:x}"
    identifier = authority_key.key_identifier if authority_key else None
    return f"the key identifier {identifier.hex()}" if identifier else "another issuer"


def _identity(certificate: x509.Certificate) -> str:
    identifier = key_id(certificate)
    words = f"the serial number {serial_number(certificate):x}"
    return f"{words} and the key identifier {identifier.hex()}" if identifier else words


def other_key(
    child: x509.Certificate,
    alike: Sequence[x509.Certificate],
    path: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
) -> Failure:
    """The issuer's name is known, with another key than the key that signed."""
    name = name_text(issuer_of(child))
    issuer = next((candidate for candidate in alike if candidate in anchors), alike[0])
    served = next((c for c in path if self_issued(c) and c not in alike), None)
    wanted = authority_key(child)
    expected = f"{name} with the key that signed {name_text(subject_of(child))}"
    if served is not None:
        expected = f"{name}, SHA-256 of the key {key_hash(served)}"
    elif wanted is not None:
        expected = f"{name}, key identifier {wanted.hex()}"
    identifier = key_id(issuer) if served is None else None
    words = f", key identifier {identifier.hex()}" if identifier is not None else ""
    is_anchor = issuer in anchors
    role = "trust anchor" if is_anchor else "intermediate"
    origin = "" if is_anchor else ", which was sent with the certificate,"
    return Failure(
        "issuer-key-mismatch",
        f"The {role} {name}{origin} has the right name, but another key signed the certificate.",
        expected=expected,
        presented=f"{name}{words}, SHA-256 of the key {key_hash(issuer)}",
        remedy="" if is_anchor else "stale-intermediate",
    )


def _is_missing(
    top: x509.Certificate,
    anchors: Sequence[x509.Certificate],
    spare: Sequence[x509.Certificate],
) -> bool:
    """True if the issuer is certainly an intermediate that leads to an anchor.

    Certain is a known certificate that signed the top one, and an authority key identifier that
    names an anchor as the issuer's own issuer (RFC 5280, 4.2.1.1). An anchor that is no CA has
    nothing below it.
    """
    authorities = [anchor for anchor in anchors if may_issue(anchor)]
    subjects = [subject_of(anchor) for anchor in authorities]
    for certificate in spare:
        if certificate not in anchors and issued(certificate, top):
            return any(same_name(issuer_of(certificate), subject) for subject in subjects)
    above = extension(top, x509.AuthorityKeyIdentifier)
    names = [
        general.value
        for general in (above and above.authority_cert_issuer) or ()
        if isinstance(general, x509.DirectoryName)
    ]
    return any(
        not same_name(name, issuer_of(top))
        and any(same_name(name, subject) for subject in subjects)
        for name in names[:1]
    )


def _may_be_intermediate(top: x509.Certificate, anchors: Sequence[x509.Certificate]) -> bool:
    """True if the issuer calls itself an intermediate, or shares an organisation with an anchor."""
    authorities = [anchor for anchor in anchors if may_issue(anchor)]
    if not authorities:
        return False
    words = name_text(issuer_of(top)).lower()
    if any(word in words for word in ("intermediate", "issuing", "sub ca", "subca", "sub-ca")):
        return True
    organisation = x509.NameOID.ORGANIZATION_NAME
    organisations = {a.value for a in issuer_of(top).get_attributes_for_oid(organisation)}
    return any(
        attribute.value in organisations
        for anchor in authorities
        for attribute in subject_of(anchor).get_attributes_for_oid(organisation)
    )


def _one_of(anchors: Sequence[x509.Certificate]) -> str:
    """The trust anchors by name, unless they are so many that only their number tells."""
    if len(anchors) > _MANY_ANCHORS:
        return f"one of the {len(anchors)} trust anchors"
    names = listed([name_text(subject_of(anchor)) for anchor in anchors])
    return f"one of the trust anchors: {names}"


def listed(texts: Sequence[str]) -> str:
    """The first few on one line, and how many more there are."""
    shown = "; ".join(texts[:4])
    return f"{shown}; and {len(texts) - 4} more" if len(texts) > 4 else shown or "none"
