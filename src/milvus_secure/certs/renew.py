"""Renews the certificates of a set under the first CA in ca.pem."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cryptography import x509

from ..errors import CertificateError
from ..pem.certificate import public_key
from .inspect.inventory import Inventory, Leaf
from .issuing.build import make_leaf, serial_file
from .issuing.issue import Authority, Role, check_days, now
from .issuing.keys import DEFAULT_KEY_TYPE, KEY_TYPES, check_key_type, generate, type_of
from .messages import certs
from .storage.change import Change

RESTART = "restart Milvus, which reads its certificates only at start-up"


def renew_leaves(
    inventory: Inventory,
    stems: Collection[str] = (),
    days: int | None = None,
    key_type: str | None = None,
) -> Change:
    """Make new keys and certificates for leaves, with the names and the validity they had.

    Args:
        inventory: The set.
        stems: Which, such as ``server``; none means all.
        days: Another validity.
        key_type: Another key type.

    Raises:
        CertificateError: If there is no such leaf, one of them cannot be read, or the CA cannot
            sign it.
    """
    chosen = choose(inventory, stems)
    files: dict[str, bytes] = {}
    done = []
    for leaf in chosen:
        valid = check_days(days) if days is not None else reachable(leaf.days, inventory.authority)
        key = generate(check_key_type(key_type) if key_type else same_type(leaf.certificate))
        pair = make_leaf(
            leaf.role, leaf.certificate.subject, key, inventory.authority, valid, leaf.names
        )
        files |= pair.files(leaf.stem)
        files["ca.srl"] = serial_file(pair.certificate)
        end = pair.certificate.not_valid_after_utc.date()
        done.append(f"{leaf.stem}.pem: renewed with a new key, valid until {end}")
    elsewhere = [
        leaf for leaf in inventory.issued if not stems and not inventory.has_key(leaf.stem)
    ]
    done += [f"{leaf.stem}.pem: unchanged, because its key is not here" for leaf in elsewhere]
    if not stems:
        done += [
            f"{stem}.pem: unchanged, because this CA did not issue it to a server or client"
            for stem in inventory.foreign
        ]
    return Change(
        files,
        done=tuple(done),
        breaks=tuple(
            f"clients that trust only {leaf.stem}.pem (server_pem_path) refuse the new "
            "certificate; copy ca.pem to them first"
            for leaf in chosen
            if leaf.role is Role.SERVER
        ),
        order=(*_order(inventory, chosen, elsewhere), *_retiring(inventory, chosen)),
    )


def reachable(days: int, authority: Authority) -> int:
    """Shorten a validity so that it ends with the CA.

    Raises:
        CertificateError: If the CA ends within a day.
    """
    days_left = (authority.certificate.not_valid_after_utc - now()).days
    if days_left < 1:
        raise CertificateError(
            f"The CA is valid until {authority.certificate.not_valid_after_utc.date()}, and the "
            "certificates that it signs cannot be valid longer.",
            "Renew the CA first.",
            authority.renewal,
        )
    return min(days, days_left)


def same_type(certificate: x509.Certificate) -> str:
    """The key type for a renewed certificate: the one it had, if gRPC accepts that."""
    key_type = type_of(public_key(certificate))
    return key_type if key_type in KEY_TYPES else DEFAULT_KEY_TYPE


def sign_again(inventory: Inventory, stem: str, role: Role) -> str:
    """The command that issues ``STEM.pem`` again from its request."""
    request = inventory.directory / f"{stem}.csr"
    return certs(
        "sign",
        request if request.exists() else "CSR",
        "--dir",
        inventory.directory,
        "--role",
        role.value,
        "--out",
        inventory.directory / f"{stem}.pem",
        "--force",
    )


def choose(inventory: Inventory, stems: Collection[str] = ()) -> list[Leaf]:
    """The certificates of a set that can be renewed.

    Args:
        inventory: The set.
        stems: Only these, such as ``server``; none means all.

    Raises:
        CertificateError: If there are none, or one of them cannot be read.
    """
    available = [leaf.stem for leaf in inventory.leaves]
    for stem in inventory.damaged:
        if not stems or stem in stems:
            role = Role.SERVER if stem == "server" else Role.CLIENT
            raise CertificateError(
                f"{inventory.directory / stem}.pem is missing or cannot be read.",
                "Restore it from a backup, or issue it again from its request.",
                sign_again(inventory, stem, role),
            )
    unknown = set(stems).difference(available)
    if unknown or not available:
        raise CertificateError(
            f"{inventory.directory} contains no certificate of this CA, with its key, called "
            f"{', '.join(sorted(unknown)) or 'server or client'}; "
            f"it contains: {', '.join(available) or 'none'}.",
            "Name one of these." if available else "Name the directory of another set.",
        )
    return [leaf for leaf in inventory.leaves if not stems or leaf.stem in stems]


def _order(
    inventory: Inventory, chosen: Collection[Leaf], elsewhere: Collection[Leaf]
) -> Iterator[str]:
    for leaf in chosen:
        until = f"until {leaf.certificate.not_valid_after_utc.date()}"
        if leaf in inventory.of_old_ca:
            until = f"until the old CA is removed, at most {until}"
        pair = f"copy {leaf.stem}.pem and {leaf.stem}.key"
        if leaf.role is Role.SERVER:
            yield f"{pair} to the server and {RESTART}; the old pair is valid {until}"
        else:
            yield f"{pair} to that client and restart it; the old pair is valid {until}"
    for leaf in elsewhere:
        again = sign_again(inventory, leaf.stem, leaf.role)
        yield f"sign the request of {leaf.stem}.pem again, and deploy the new certificate:\n{again}"


def _retiring(inventory: Inventory, chosen: Collection[Leaf]) -> Iterator[str]:
    """What is left to do when the CA is being renewed."""
    if len(inventory.anchors) < 2:
        return
    rest = [
        leaf.stem
        for leaf in inventory.of_old_ca
        if leaf not in chosen and inventory.has_key(leaf.stem)
    ]
    if rest:
        command = certs("renew", inventory.directory)
        yield f"renew the other certificates of the old CA ({', '.join(rest)}):\n{command}"
    command = certs("renew", inventory.directory, "--retire")
    yield f"when no server or client uses an old pair, remove the old CA from ca.pem:\n{command}"
    yield "copy ca.pem everywhere"
