"""Changes a set to match its description. A set that matches it already is not changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

from ..errors import CertificateError
from ..pem.certificate import public_key
from .inspect.inventory import Inventory, Leaf
from .issuing.build import build, make_client, make_leaf, serial_file
from .issuing.issue import Authority, Role, now
from .issuing.keys import DEFAULT_KEY_TYPE, KEY_TYPES, generate, type_of
from .issuing.plan import LEAF_DAYS, SetPlan, client_name
from .issuing.subject import Subject
from .messages import certs
from .renew import reachable
from .storage.change import Change


def conform(inventory: Inventory, plan: SetPlan) -> Change:
    """The change that makes a set match its description.

    Args:
        inventory: The set, or a directory that is missing or empty.
        plan: The description.

    Raises:
        CertificateError: If the CA differs: every client would refuse a new certificate.
    """
    directory = inventory.directory
    if not (directory / "ca.pem").exists():
        if directory.is_dir() and any(directory.iterdir()):
            raise CertificateError(
                f"{directory} contains files that do not belong to a certificate set.",
                "Name a new or empty directory.",
            )
        return Change(build(plan), done=(f"{directory}: made as described",))
    differences = list(_authority_differs(inventory, plan))
    if differences:
        raise CertificateError(
            f"The CA in {directory} is not as described: {'; '.join(differences)}.",
            "Replace the whole set with --force, or change the description of the CA.",
        )
    files: dict[str, bytes] = {}
    done = []
    leaves = {leaf.stem: leaf for leaf in inventory.leaves}
    authority = inventory.authority
    for name in ("server", *plan.clients):
        if name not in leaves and (existing := _files_of(inventory, name)):
            raise CertificateError(
                f"{directory} contains {', '.join(existing)}, but no key with a certificate "
                f"{name}.pem that this CA issued.",
                "Move these files to another directory, so that new ones can be made.",
            )
    difference = _leaf_differs(leaves.get("server"), plan, "server", plan.server_days, authority)
    if difference:
        pair = make_leaf(
            Role.SERVER,
            plan.server_subject.x509_name(),
            generate(plan.key_type),
            authority,
            reachable(plan.server_days, authority),
            plan.server.extension(),
        )
        files |= {**pair.files("server"), "ca.srl": serial_file(pair.certificate)}
        done.append(f"server.pem: {difference}; issued as described")
    for name, days in plan.clients.items():
        difference = _leaf_differs(leaves.get(name), plan, name, days, authority)
        if difference:
            pair = make_client(plan, name, authority, reachable(days, authority))
            files |= {**pair.files(name), "ca.srl": serial_file(pair.certificate)}
            done.append(f"{name}.pem: {difference}; issued as described")
    return Change(files, done=tuple(done) or (f"{directory}: as described; nothing to do",))


def add_client(
    inventory: Inventory,
    name: str,
    days: int | None = None,
    key_type: str | None = None,
    *,
    overwrite: bool = False,
) -> Change:
    """Issue a certificate for one more client of a set.

    Raises:
        CertificateError: If the name cannot be used or is taken, or the CA cannot sign.
    """
    client_name(name)
    existing = _files_of(inventory, name)
    if existing and not overwrite:
        raise CertificateError(
            f"{inventory.directory} already contains {', '.join(existing)}.",
            "Choose another name, add --force, or renew this client's certificate.",
            certs("renew", inventory.directory, "--only", name),
        )
    authority = inventory.authority
    issuer = authority.certificate
    if key_type is None:
        key_type = type_of(public_key(issuer))
        key_type = key_type if key_type in KEY_TYPES else DEFAULT_KEY_TYPE
    subject = Subject.of(issuer.subject).named(name).x509_name()
    valid = days if days is not None else reachable(LEAF_DAYS, authority)
    pair = make_leaf(Role.CLIENT, subject, generate(key_type), authority, valid)
    end = pair.certificate.not_valid_after_utc.date()
    return Change(
        {**pair.files(name), "ca.srl": serial_file(pair.certificate)},
        done=(f"{name}.key, {name}.pem, {name}.csr: issued, valid until {end}",),
    )


def _files_of(inventory: Inventory, stem: str) -> list[str]:
    names = (f"{stem}{suffix}" for suffix in (".key", ".pem", ".csr"))
    return [name for name in names if os.path.lexists(inventory.directory / name)]


def _authority_differs(inventory: Inventory, plan: SetPlan) -> Iterator[str]:
    root = inventory.anchors[0]
    key_type = type_of(public_key(root))
    if key_type != plan.key_type:
        yield f"its key is {key_type}, not {plan.key_type}"
    if inventory.has_intermediate != (plan.intermediate_days is not None):
        signs = "an" if inventory.has_intermediate else "no"
        yield f"{signs} intermediate CA signs its certificates"
    called = Subject.of(root.subject).common_name
    if plan.ca_common_name and called != plan.ca_common_name:
        yield f"it is called {called}, not {plan.ca_common_name}"


def _leaf_differs(
    leaf: Leaf | None, plan: SetPlan, name: str, days: int, authority: Authority
) -> str:
    """How a leaf differs from its description; empty if it does not."""
    if leaf is None:
        return "missing"
    certificate, differences = leaf.certificate, []
    server = name == "server"
    subject = plan.server_subject if server else plan.client_subject(name)
    if certificate.subject != subject.x509_name():
        differences.append("another subject")
    if server and leaf.names != plan.server.extension():
        differences.append("other names")
    if type_of(public_key(certificate)) != plan.key_type:
        differences.append("another key type")
    # Where the CA ends first, the leaf was issued to end with it.
    until_ca = authority.certificate.not_valid_after_utc - certificate.not_valid_after_utc
    if leaf.days != days and until_ca >= timedelta(days=2):
        differences.append(f"issued for {leaf.days} days, not {days}")
    if certificate.not_valid_after_utc <= now():
        differences.append("expired")
    return ", ".join(differences)
