"""Renews what ends soon and nothing else, if asked so by a timer that runs unattended."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from cryptography import x509

from ..errors import CertificateError
from .ca_renewal import next_step, renew_authority
from .inspect.inventory import Inventory, Leaf
from .issuing.issue import now
from .messages import certs
from .renew import choose, renew_leaves
from .storage.change import Change


def renew_due_leaves(
    inventory: Inventory,
    within: int | None,
    stems: Collection[str] = (),
    days: int | None = None,
    key_type: str | None = None,
) -> Change:
    """Renew the server's and clients' certificates that end within a time.

    Args:
        inventory: The set.
        within: Days from now; None renews them in any case.
        stems: Only these, such as ``server``; none means all.
        days: Another validity, in days.
        key_type: Another key type.

    Returns:
        The change; without files if nothing is due.

    Raises:
        CertificateError: If a certificate is due and a new one would end no later, or is not
            trusted everywhere yet because the CA is being renewed.
    """
    if within is None:
        return renew_leaves(inventory, stems, days, key_type)
    candidates = choose(inventory, stems)
    due = [leaf for leaf in candidates if _ends_within(leaf.certificate, within)]
    notes = tuple(_notes(inventory, within, stems))
    if not due:
        first = min(candidates, key=lambda leaf: leaf.certificate.not_valid_after_utc)
        return Change(done=(_nothing_due(f"{first.stem}.pem", first.certificate), *notes))
    for leaf in due:
        _require_useful(inventory, leaf)
    change = renew_leaves(inventory, [leaf.stem for leaf in due], days, key_type)
    return change.with_notes(notes)


def renew_due_authority(
    inventory: Inventory, within: int | None, days: int | None = None, key_type: str | None = None
) -> Change:
    """Begin the renewal of the CA if it ends within a time.

    Args:
        inventory: The set.
        within: Days from now; None renews it in any case.
        days: Validity of the new CA, in days; as the old one's when None.
        key_type: Another key type.

    Returns:
        The change; without files if the CA is not due.

    Raises:
        CertificateError: If an earlier renewal is not finished.
    """
    authority = inventory.anchors[0]
    if within is not None and not _ends_within(authority, within):
        return Change(done=(_nothing_due("ca.pem", authority),))
    return renew_authority(inventory, days, key_type)


def _ends_within(certificate: x509.Certificate, days: int) -> bool:
    return certificate.not_valid_after_utc - now() < timedelta(days=days)


def _nothing_due(name: str, certificate: x509.Certificate) -> str:
    end = certificate.not_valid_after_utc
    return f"Nothing is due: {name} ends first, on {end.date()}, in {(end - now()).days} days"


def _require_useful(inventory: Inventory, leaf: Leaf) -> None:
    """Refuse to renew, at every run of a timer, what a renewal does not help."""
    end = leaf.certificate.not_valid_after_utc
    if leaf in inventory.of_old_ca and len(inventory.anchors) > 1:
        raise CertificateError(
            f"{leaf.stem}.pem ends on {end.date()}. The CA is being renewed, and a certificate of "
            "the new CA is refused where the new ca.pem is not deployed yet.",
            *(next_step(inventory) or ()),
        )
    last = inventory.authority.certificate.not_valid_after_utc
    if last - end < timedelta(days=1):
        raise CertificateError(
            f"{leaf.stem}.pem ends on {end.date()}, and the CA on {last.date()}. A new certificate "
            "would not be valid longer.",
            "Renew the CA first.",
            certs("renew", inventory.directory, "--ca"),
        )


def _notes(inventory: Inventory, within: int, stems: Collection[str]) -> Iterator[str]:
    """What ends soon and is not renewed here."""
    for leaf in inventory.issued:
        is_selected = not stems or leaf.stem in stems
        if (
            is_selected
            and _ends_within(leaf.certificate, within)
            and not inventory.has_key(leaf.stem)
        ):
            end = leaf.certificate.not_valid_after_utc.date()
            yield f"{leaf.stem}.pem ends on {end}; its key is not here, so it is not renewed"
    authority = inventory.anchors[0]
    if _ends_within(authority, within):
        command = certs("renew", inventory.directory, "--ca")
        yield f"ca.pem ends on {authority.not_valid_after_utc.date()}; renew the CA:\n{command}"
