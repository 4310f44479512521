"""The subject of a certificate: the variables of the guide's gen.sh."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from cryptography import x509
from cryptography.x509.oid import NameOID

from ...errors import CertificateError


@dataclass(frozen=True)
class Subject:
    """A distinguished name.

    Attributes:
        country: Two letters (ISO 3166-1).
        state: State or province.
        location: Locality, such as a city.
        organization: Organization.
        organizational_unit: Organizational unit.
        common_name: What tools show; for a server one of its host names.

    Raises:
        CertificateError: If a part is longer than RFC 5280, appendix A.1, allows, or is not text.
    """

    country: str | None = None
    state: str | None = None
    location: str | None = None
    organization: str | None = None
    organizational_unit: str | None = None
    common_name: str | None = None

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if value is not None:
                _judge(part.name, value)

    def named(self, common_name: str) -> Subject:
        """The same with this common name."""
        return replace(self, common_name=common_name)

    def x509_name(self) -> x509.Name:
        """The subject as a certificate holds it, most general part first."""
        return x509.Name(
            [
                x509.NameAttribute(oid, value)
                for part, (oid, _) in _PARTS.items()
                if (value := getattr(self, part)) is not None
            ]
        )

    @classmethod
    def of(cls, name: x509.Name) -> Subject:
        """Read the known parts from a name; of several equal ones the last."""
        return cls(
            **{
                part: str(attributes[-1].value)
                for part, (oid, _) in _PARTS.items()
                if (attributes := name.get_attributes_for_oid(oid))
            }
        )


_PARTS = {
    "country": (NameOID.COUNTRY_NAME, 2),
    "state": (NameOID.STATE_OR_PROVINCE_NAME, 128),
    "location": (NameOID.LOCALITY_NAME, 128),
    "organization": (NameOID.ORGANIZATION_NAME, 64),
    "organizational_unit": (NameOID.ORGANIZATIONAL_UNIT_NAME, 64),
    "common_name": (NameOID.COMMON_NAME, 64),
}


def _judge(part: str, value: object) -> None:
    words, longest = part.replace("_", " "), _PARTS[part][1]
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise CertificateError(
            f"The {words} {value!r} is not printable text.", "Use text, or leave it out."
        )
    if part == "country" and not (len(value) == 2 and value.isascii() and value.isalpha()):
        raise CertificateError(
            f"The country {value!r} is not two letters.", "Use its ISO 3166-1 code, such as DE."
        )
    if len(value) > longest:
        raise CertificateError(
            f"The {words} is {len(value)} characters long; at most {longest} are possible.",
            "Shorten it.",
        )
