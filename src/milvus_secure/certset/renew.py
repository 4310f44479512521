"""Renews leaves under the same CA, and the CA itself with an overlap, in an order that holds.

A CA is renewed in three steps, each of which leaves every client working: first everybody trusts
both CAs, then the leaves change, then the old CA goes.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from cryptography import x509

from ..certificates.certificate import public_key
from ..errors import CertificateError
from .build import build_authority, make_leaf, serial_file
from .change import Change
from .inventory import Inventory, Leaf, read_certificates
from .issue import Authority, Role, check_days, now, pem
from .keys import DEFAULT_KEY_TYPE, KEY_TYPES, check_key_type, generate, type_of
from .subject import Subject

_RESTART = "restart Milvus, which reads them once"


def renew_leaves(
    held: Inventory,
    stems: Collection[str] = (),
    days: int | None = None,
    key_type: str | None = None,
) -> Change:
    """New keys and certificates for leaves, with the names and the validity they had.

    Args:
        held: The set.
        stems: Which, such as ``server``; none means all.
        days: Another validity.
        key_type: Another key type.

    Raises:
        CertificateError: If there is no such leaf, or the CA cannot sign.
    """
    unknown = set(stems) - {leaf.stem for leaf in held.leaves}
    chosen = [leaf for leaf in held.leaves if not stems or leaf.stem in stems]
    if unknown or not chosen:
        have = ", ".join(leaf.stem for leaf in held.leaves) or "none"
        raise CertificateError(
            f"{held.directory} holds no certificate of this CA called "
            f"{', '.join(sorted(unknown)) or 'server or client'}; it holds: {have}.",
            "name one of those.",
        )
    files: dict[str, bytes] = {}
    done = []
    for leaf in chosen:
        valid = check_days(days) if days is not None else reachable(leaf.days, held.authority)
        key = generate(check_key_type(key_type) if key_type else _same_type(leaf.certificate))
        made = make_leaf(
            leaf.role, leaf.certificate.subject, key, held.authority, valid, leaf.names
        )
        files |= made.files(leaf.stem)
        files["ca.srl"] = serial_file(made.certificate)
        end = made.certificate.not_valid_after_utc.date()
        done.append(f"{leaf.stem}.pem: renewed with a new key, valid until {end}")
    return Change(files, (), tuple(done), *_consequences(chosen))


def reachable(days: int, authority: Authority) -> int:
    """A validity, as far as the CA reaches.

    Raises:
        CertificateError: If the CA ends within a day.
    """
    left = (authority.certificate.not_valid_after_utc - now()).days
    if left < 1:
        raise CertificateError(
            f"The CA is valid until {authority.certificate.not_valid_after_utc.date()}; "
            "what it signs ends with it.",
            "renew the CA first: milvus-secure certs renew DIR --ca",
        )
    return min(days, left)


def _same_type(certificate: x509.Certificate) -> str:
    found = type_of(public_key(certificate))
    return found if found in KEY_TYPES else DEFAULT_KEY_TYPE


def _consequences(leaves: Collection[Leaf]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    breaks, order = [], []
    for leaf in leaves:
        end = leaf.certificate.not_valid_after_utc.date()
        if leaf.role is Role.SERVER:
            breaks.append(
                f"clients that pin {leaf.stem}.pem (server_pem_path) refuse the new one; "
                "give them ca.pem first"
            )
            order.append(
                f"copy {leaf.stem}.pem and {leaf.stem}.key to the server and {_RESTART}; "
                f"the old pair is good until {end}"
            )
        else:
            order.append(
                f"copy {leaf.stem}.pem and {leaf.stem}.key to that client and restart it, any "
                f"time before {end}"
            )
    return tuple(breaks), tuple(order)


def renew_authority(
    held: Inventory, days: int | None = None, key_type: str | None = None
) -> Change:
    """A new CA beside the old one in ca.pem; leaves stay as they are.

    Raises:
        CertificateError: If an earlier renewal is not finished, or ca.key does not fit ca.pem.
    """
    directory = held.directory
    if len(held.anchors) > 1:
        raise CertificateError(
            f"{directory / 'ca.pem'} holds {len(held.anchors)} CAs: a renewal is under way.",
            f"finish it: milvus-secure certs renew {directory} --retire",
        )
    old = held.anchors[0]
    _ = held.authority  # a key that does not fit is found before anything is made
    middle_days = None
    if held.has_intermediate:
        middle_days = Leaf("", read_certificates(directory / "intermediate.pem")[0]).days
    files, _signer = build_authority(
        Subject.of(old.subject), key_type or _same_type(old),
        check_days(days) if days is not None else min(Leaf("", old).days, 36_500),
        middle_days, named=False,
    )  # fmt: skip
    files["ca.pem"] += pem(old)
    return Change(
        files,
        done=(
            "ca.key, ca.pem: a new CA; ca.pem now holds it and the old one, so that both count",
            "server and client certificates: unchanged, still of the old CA",
        ),
        breaks=("nobody, as long as each step below is finished before the next",),
        order=(
            "copy ca.pem to every client (ca_pem_path or server_pem_path) and restart it",
            f"in mutual mode copy ca.pem to the server (tls.caPemPath) and {_RESTART}",
            f"run milvus-secure certs renew {directory}",
            f"copy server.pem and server.key to the server and {_RESTART}",
            "copy each client's pair to it and restart it",
            f"run milvus-secure certs renew {directory} --retire and copy ca.pem everywhere",
        ),
    )


def retire(held: Inventory) -> Change:
    """Take the old CA out of ca.pem.

    Raises:
        CertificateError: If a leaf here still is of the old CA, or there is none to retire.
    """
    if len(held.anchors) < 2:
        raise CertificateError(
            f"{held.directory / 'ca.pem'} holds one CA only; there is none to retire.",
            f"milvus-secure certs renew {held.directory} --ca starts a renewal.",
        )
    new = held.anchors[0]
    late = [leaf.stem for leaf in held.leaves if held.issued_by(leaf) != new]
    if late:
        raise CertificateError(
            f"{', '.join(late)}: still of the old CA, and would be refused without it.",
            f"milvus-secure certs renew {held.directory}, and deploy what it makes.",
        )
    ended = ", ".join(_called(old) for old in held.anchors[1:])
    return Change(
        {"ca.pem": pem(new)},
        done=(f"ca.pem: {ended} is gone; it holds {_called(new)} alone",),
        breaks=("whoever still uses a certificate of the old CA",),
        order=(
            "copy ca.pem to every client and restart it",
            f"in mutual mode copy ca.pem to the server (tls.caPemPath) and {_RESTART}",
        ),
    )


def _called(certificate: x509.Certificate) -> str:
    return Subject.of(certificate.subject).common_name or Path("ca.pem").name
