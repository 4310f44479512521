"""When the certificates of a set end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .inventory import Inventory, read_certificates


@dataclass(frozen=True, slots=True)
class End:
    """When a certificate ends.

    Attributes:
        name: Its file in the set.
        end: The last moment of its validity, with time zone.
    """

    name: str
    end: datetime


def ends(inventory: Inventory) -> tuple[End, ...]:
    """When each certificate of a set ends, the earliest first.

    Raises:
        CertificateError: If there is no set.
    """
    named = [("ca.pem", inventory.anchors[0])]
    if inventory.has_intermediate:
        intermediate = read_certificates(inventory.directory / "intermediate.pem")[0]
        named.append(("intermediate.pem", intermediate))
    named += [(f"{leaf.stem}.pem", leaf.certificate) for leaf in inventory.issued]
    dated = (End(name, certificate.not_valid_after_utc) for name, certificate in named)
    return tuple(sorted(dated, key=lambda end: end.end))
