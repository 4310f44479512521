"""Certificate policies (RFC 5280, 6.1, and RFC 9618), which OpenSSL judges by other defaults.

``X509_policy_check`` in BoringSSL's ``crypto/x509/policy.cc``; ``policiesValid`` in Go's
``crypto/x509/verify.go``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from cryptography import x509

from ..pem.certificate import extension, extensions, issuer_of, name_text, same_name, subject_of
from .failure import Failure

_MAPPINGS = "2.5.29.33"
_SEQUENCE, _OID = 0x30, 0x06
_ANY_POLICY = "2.5.29.32.0"


def grpc_policies(path: Sequence[x509.Certificate]) -> Iterator[Failure]:
    """No list may be empty, no policy stand twice, anyPolicy not be mapped.

    The mappings of a leaf are not looked at.
    """
    for place, one in enumerate(path[:-1]):
        if bad_policies(one, least=1):
            yield malformed(one, "certificatePolicies", "usage-not-server")
        if place and bad_mappings(one, least=1, barred=_ANY_POLICY):
            yield malformed(one, "policyMappings", "usage-not-server")
    yield from _agreement(path, "usage-not-server")


def go_policies(path: Sequence[x509.Certificate]) -> Iterator[Failure]:
    """What Go has parsed must agree."""
    yield from _agreement(path, "usage-not-client")


def malformed(certificate: x509.Certificate, what: str, code: str) -> Failure:
    """The failure of an extension that a peer takes for malformed."""
    name = name_text(subject_of(certificate))
    return Failure(
        code,
        f"The {what} in the certificate of {name} are not as they must be.",
        expected="RFC 5280, 4.2.1.4 and 4.2.1.5: not empty, nothing twice, anyPolicy not mapped",
        presented=f"{name} with malformed {what}",
    )


def _agreement(path: Sequence[x509.Certificate], code: str) -> Iterator[Failure]:
    """Whether a policy holds all the way down, where a certificate requires one.

    The peers accept any policy, so that it is enough to know those that the next certificate
    may name, and whether it may name whichever it likes.
    """
    explicit = mapping = inhibit = len(path) + 1  # certificates to go until each of it holds
    valid: set[str] = set()
    anything = True
    for place in range(len(path) - 2, -1, -1):
        one = path[place]
        own = same_name(subject_of(one), issuer_of(one))
        named = _policies(one)
        spread = _ANY_POLICY in named and (inhibit > 0 or (place > 0 and own))
        fresh = set(named) - {_ANY_POLICY} if anything else set()
        valid = (valid if spread else valid & set(named)) | fresh
        anything = anything and spread
        if explicit == 0 and not valid and not anything:
            break
        mapped = _mappings(one) if place else []
        if mapped and (valid or anything) and any(_ANY_POLICY in pair for pair in mapped):
            valid, anything, explicit = set(), False, 0
            break
        if mapped:
            kept = valid - {issuer for issuer, _ in mapped}
            new = {subject for issuer, subject in mapped if anything or issuer in valid}
            valid = kept | new if mapping > 0 else kept
        if place == 0 or not own:
            explicit, mapping, inhibit = (max(n - 1, 0) for n in (explicit, mapping, inhibit))
        limits = extension(one, x509.PolicyConstraints)
        if limits is not None:
            explicit = min(explicit, _skipped(limits.require_explicit_policy))
            mapping = min(mapping, _skipped(limits.inhibit_policy_mapping))
        barred = extension(one, x509.InhibitAnyPolicy)
        inhibit = min(inhibit, _skipped(barred.skip_certs if barred else None))
    if explicit == 0 and not valid and not anything:
        yield Failure(
            code,
            "A certificate of the chain requires a policy that does not hold in all of it.",
            expected="one policy in every certificatePolicies below the root",
            presented="; ".join(name_text(subject_of(one)) for one in path),
        )


def _skipped(certificates: int | None) -> int:
    return sys.maxsize if certificates is None else certificates


def _policies(certificate: x509.Certificate) -> list[str]:
    found = extension(certificate, x509.CertificatePolicies)
    return [policy.policy_identifier.dotted_string for policy in found or ()]


def bad_policies(certificate: x509.Certificate, *, least: int) -> bool:
    """True if a policy stands twice in a certificate, or if there are too few."""
    if extension(certificate, x509.CertificatePolicies) is None:
        return False
    named = _policies(certificate)
    return len(named) < least or len(set(named)) < len(named)


def bad_mappings(certificate: x509.Certificate, *, least: int, barred: str = "") -> bool:
    """True if the mappings cannot be read, are too few, or map a policy that is barred."""
    mapped = _mappings(certificate)
    if mapped is None:
        return False
    return (len(mapped) < least) or any("" in pair or barred in pair for pair in mapped)


def _mappings(certificate: x509.Certificate) -> list[tuple[str, str]] | None:
    """Policies of the issuer and of the subject, pair by pair; two empty ones if unreadable.

    cryptography reads no policyMappings.
    """
    for one in extensions(certificate) or ():
        if one.oid.dotted_string == _MAPPINGS and isinstance(one.value, x509.UnrecognizedExtension):
            try:
                (pairs,) = _elements(one.value.value, _SEQUENCE)
                read = [_elements(pair, _OID) for pair in _elements(pairs, _SEQUENCE)]
                return [(_dotted(issuer), _dotted(subject)) for issuer, subject in read]
            except ValueError:
                return [("", "")]
    return None


def _elements(der: bytes, tag: int) -> list[bytes]:
    found = []
    while der:
        size, start = (der[1] if len(der) > 1 else 0), 2
        if size > 127:
            start += size & 127
            size = int.from_bytes(der[2:start], "big")
        if der[0] != tag or len(der) < start + size:
            raise ValueError(der)
        found.append(der[start : start + size])
        der = der[start + size :]
    return found


def _dotted(identifier: bytes) -> str:
    numbers = [0]
    for octet in identifier:
        numbers[-1] = numbers[-1] * 128 + (octet & 127)
        if octet < 128:
            numbers.append(0)
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:-1])))
