"""Why no anchor was reached: a rotated key, a missing intermediate, or a stranger."""

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
    may_sign,
    name_text,
    same_name,
    self_issued,
    subject_of,
)
from .failure import Failure

_MANY_ANCHORS = 12  # beyond, as with the public roots, their names hide more than they tell


def nearest_miss(
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
    wanted = name_text(issuer_of(top))
    alike = [
        one
        for one in (*anchors, *rest)
        if same_name(subject_of(one), issuer_of(top)) and one != top
    ]
    if self_issued(top) and any(issued(one, top) for one in alike):
        return Failure(
            "shared-subject",
            f"The certificate bears the name of its issuer, {wanted}, and gRPC takes it for "
            "self-signed.",
            expected="a subject of its own, or an authority key identifier",
            presented=f"subject and issuer {wanted}",
        )
    if alike:
        barred = next((one for one in alike if not may_sign(one)), None)
        if barred is None:
            return other_key(top, alike, path)
        return Failure(
            "issuer-not-ca",
            f"The issuer {wanted} may not sign certificates.",
            expected="keyUsage with keyCertSign",
            presented=f"{wanted} without it",
        )
    if self_issued(top):
        return Failure(
            "chain-untrusted",
            f"The chain ends in the self-signed {wanted}, which is not a trust anchor.",
            expected=_one_of(anchors),
            presented=f"{wanted}, SHA-256 of the key {key_hash(top)}",
        )
    missing = next((one for one in spare if same_name(subject_of(one), issuer_of(top))), None)
    if missing is not None or _seems_incomplete(top, anchors):
        return Failure(
            "chain-incomplete",
            f"The intermediate certificate {wanted} is missing.",
            expected=f"a certificate for {wanted}, served after the leaf",
            presented=listed([name_text(subject_of(one)) for one in path]),
        )
    return Failure(
        "chain-untrusted",
        f"No trust anchor is {wanted}, which issued the certificate.",
        expected=_one_of(anchors),
        presented=f"issuer {wanted}",
    )


def _one_of(anchors: Sequence[x509.Certificate]) -> str:
    """The trust anchors by name, unless they are so many that only their number tells."""
    if len(anchors) > _MANY_ANCHORS:
        return f"one of the {len(anchors)} trust anchors"
    return f"one of the trust anchors: {listed([name_text(subject_of(one)) for one in anchors])}"


def other_key(
    child: x509.Certificate,
    alike: Sequence[x509.Certificate],
    path: Sequence[x509.Certificate],
) -> Failure:
    """The issuer's name is known, with another key than the one that signed."""
    name = name_text(issuer_of(child))
    served = next((one for one in path if self_issued(one) and one not in alike), None)
    wanted = authority_key(child)
    expected = f"{name} with the key that signed {name_text(subject_of(child))}"
    if served is not None:
        expected = f"{name}, SHA-256 of the key {key_hash(served)}"
    elif wanted is not None:
        expected = f"{name}, key identifier {wanted.hex()}"
    own = key_id(alike[0])
    identifier = f", key identifier {own.hex()}" if own is not None and served is None else ""
    return Failure(
        "issuer-key-mismatch",
        f"The trust anchor {name} has the right name, but another key signed the certificate.",
        expected=expected,
        presented=f"{name}{identifier}, SHA-256 of the key {key_hash(alike[0])}",
    )


def _seems_incomplete(top: x509.Certificate, anchors: Sequence[x509.Certificate]) -> bool:
    """True if the issuer wanted looks like an intermediate below an anchor.

    Certain when the authority key identifier names an anchor as the issuer's own issuer
    (RFC 5280, 4.2.1.1); likely when the issuer calls itself one, or shares an organisation
    with an anchor.
    """
    above = extension(top, x509.AuthorityKeyIdentifier)
    for general in (above and above.authority_cert_issuer) or ():
        if isinstance(general, x509.DirectoryName) and not same_name(general.value, issuer_of(top)):
            return any(same_name(general.value, subject_of(one)) for one in anchors)
    words = name_text(issuer_of(top)).lower()
    if any(word in words for word in ("intermediate", "issuing", "sub ca", "subca", "sub-ca")):
        return True
    organisation = x509.NameOID.ORGANIZATION_NAME
    ours = {attribute.value for attribute in issuer_of(top).get_attributes_for_oid(organisation)}
    theirs = (
        a.value for one in anchors for a in subject_of(one).get_attributes_for_oid(organisation)
    )
    return any(value in ours for value in theirs)


def listed(texts: Sequence[str]) -> str:
    """The first few on one line, and how many more there are."""
    shown = "; ".join(texts[:4])
    return f"{shown}; and {len(texts) - 4} more" if len(texts) > 4 else shown or "none"
