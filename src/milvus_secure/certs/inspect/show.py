"""Describes certificates, keys and requests, as text and as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from ..._common.text import printable
from ...pem.certificate import (
    extension,
    issuer_of,
    issuer_text,
    name_text,
    public_key,
    subject_of,
    subject_text,
)
from ..issuing.keys import type_of
from ..messages import fill
from .contents import Contents
from .inventory import signed_by

_EXTENDED = {
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
}
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def describe(files: Sequence[Contents], now: datetime | None = None) -> dict[str, Any]:
    """Describe what files hold, and which key belongs to which certificate, for JSON."""
    moment = now or datetime.now(timezone.utc)
    owners = _owners(files)
    return {
        "schema_version": 1,
        "files": [
            {
                "file": str(file.path),
                "form": file.form,
                "certificates": [
                    _certificate(certificate, moment) for certificate in file.certificates
                ],
                "chain": _chain(file.certificates),
                "keys": [
                    {"key": type_of(key), "belongs_to": owners.get(_spki(key.public_key()))}
                    for key in file.keys
                ],
                "requests": [_request(request) for request in file.requests],
                "notes": file.notes,
            }
            for file in files
        ],
    }


def _owners(files: Sequence[Contents]) -> dict[bytes, str]:
    """Where the certificate of each key is; first choice is the leaf of the shortest file."""
    places = [
        (place, len(file.certificates), str(file.path), key)
        for file in files
        for place, certificate in enumerate(file.certificates)
        if (key := public_key(certificate)) is not None
    ]
    owners: dict[bytes, str] = {}
    for place, count, path, key in sorted(places, key=lambda entry: entry[:3]):
        owners.setdefault(_spki(key), path if count == 1 else f"{path}[{place}]")
    return owners


def render(described: dict[str, Any], width: int | None = None) -> str:
    """The same as text.

    Args:
        described: What `describe` returned.
        width: Columns to wrap at; None for one line for each field.
    """
    return "\n\n".join("\n".join(_lines(file, width)) for file in described["files"])


def _lines(file: dict[str, Any], width: int | None) -> list[str]:
    lines = [fill(f"{file['file']} ({file['form']})", "", "    ", width)]
    for place, certificate in enumerate(file["certificates"]):
        lines.append(f"  certificate {place}")
        lines += _field_lines(certificate, width)
    if file["chain"]:
        lines.append(_line("chain order", file["chain"], width))
    for key in file["keys"]:
        whose = (
            f"belongs to {key['belongs_to']}"
            if key["belongs_to"]
            else ("belongs to no certificate shown")
        )
        lines.append(_line("private key", f"{key['key']}, {whose}", width))
    for request in file["requests"]:
        lines.append("  request")
        lines += _field_lines(request, width)
    lines += [_line("note", note, width) for note in file["notes"]]
    return lines


def _line(name: str, text: str, width: int | None) -> str:
    return fill(text, f"  {name:<14} ", " " * 17, width)


def _field_lines(described: dict[str, Any], width: int | None) -> list[str]:
    # A SHA-256 in hex ends in column 80.
    return [
        fill(text, f"    {name:<11} ", " " * 16, width) for name, text in _fields(described) if text
    ]


def _fields(described: dict[str, Any]) -> list[tuple[str, str]]:
    validity = ""
    if "not_after" in described:
        days_left = described["days_left"]
        state = f"{days_left} days left" if days_left >= 0 else f"expired {-days_left} days ago"
        validity = f"{described['not_before']} to {described['not_after']}, {state}"
    return [
        ("subject", described["subject"]),
        ("issuer", described.get("issuer", "")),
        ("identifiers", ", ".join(described["identifiers"])),
        (
            "usage",
            ", ".join([*described.get("key_usage", ()), *described.get("extended_key_usage", ())]),
        ),
        ("CA", {True: "yes", False: "no"}.get(described.get("ca", ""), "")),
        ("valid", validity),
        ("key", described["key"]),
        ("serial", described.get("serial", "")),
        ("SHA-256", described.get("sha256", "")),
        ("key SHA-256", described.get("key_sha256", "")),
    ]


def _certificate(certificate: x509.Certificate, now: datetime) -> dict[str, Any]:
    basic = extension(certificate, x509.BasicConstraints)
    usage = extension(certificate, x509.KeyUsage)
    extended = extension(certificate, x509.ExtendedKeyUsage)
    key = public_key(certificate)
    return {
        "subject": subject_text(certificate),
        "issuer": issuer_text(certificate),
        "serial": f"{certificate.serial_number:x}",
        "identifiers": names_of(extension(certificate, x509.SubjectAlternativeName)),
        "ca": bool(basic and basic.ca),
        "key_usage": [_camel(name) for name in _USAGES if usage and getattr(usage, name)],
        "extended_key_usage": [_EXTENDED.get(o, o.dotted_string) for o in extended or ()],
        "not_before": _moment(certificate.not_valid_before_utc),
        "not_after": _moment(certificate.not_valid_after_utc),
        "days_left": (certificate.not_valid_after_utc - now).days,
        "key": _key_text(key),
        "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
        "key_sha256": hashlib.sha256(_spki(key)).hexdigest() if key else None,
    }


def _request(request: x509.CertificateSigningRequest) -> dict[str, Any]:
    return {
        "subject": name_text(request.subject),
        "identifiers": names_of(extension(request, x509.SubjectAlternativeName)),
        "key": _key_text(request.public_key()),
        "signature_valid": request.is_signature_valid,
    }


def names_of(names: x509.SubjectAlternativeName | None) -> list[str]:
    """Presented identifiers as text, DNS names bare and others with their kind."""
    texts = []
    for name in names or ():
        if isinstance(name, x509.DNSName):
            texts.append(printable(name.value))
        elif isinstance(name, x509.IPAddress):
            texts.append(f"IP:{name.value}")
        elif isinstance(name, x509.UniformResourceIdentifier):
            texts.append(f"URI:{printable(name.value)}")
        else:
            texts.append(type(name).__name__)
    return texts


def _chain(certificates: Sequence[x509.Certificate]) -> str | None:
    if len(certificates) < 2:
        return None
    pairs = pairwise(certificates)
    if all(signed_by(below, above) for below, above in pairs):
        return "in order, leaf first"
    if all(issuer_of(certificate) == subject_of(certificate) for certificate in certificates):
        return "a bundle of trust anchors; the order does not matter"
    return "not in order: a certificate is not issued by the one after it"


def _key_text(key: object) -> str:
    return "unreadable" if key is None else type_of(key)


def _camel(name: str) -> str:
    first, *rest = name.replace("crl", "cRL").split("_")
    return first + "".join(word.title() for word in rest)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _spki(key: Any) -> bytes:  # noqa: ANN401 - every public key has this method
    encoded: bytes = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded
