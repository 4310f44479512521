"""Brings a set into line with its description, so that describing it twice changes nothing."""

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


def conform(held: Inventory, plan: SetPlan) -> Change:
    """What it takes to make a set as described.

    Args:
        held: The set, or a directory that is missing or empty.
        plan: The description.

    Raises:
        CertificateError: If the CA differs: replacing it breaks everyone.
    """
    directory = held.directory
    if not (directory / "ca.pem").exists():
        if directory.is_dir() and any(directory.iterdir()):
            raise CertificateError(
                f"{directory} holds files that belong to no set.", "name a new or empty directory."
            )
        return Change(build(plan), done=(f"{directory}: made as described",))
    wrong = list(_authority_differs(held, plan))
    if wrong:
        raise CertificateError(
            f"The CA in {directory} is not as described: {'; '.join(wrong)}.",
            "replace the whole set with --force, or describe the CA as it is.",
        )
    files: dict[str, bytes] = {}
    done = []
    leaves = {leaf.stem: leaf for leaf in held.leaves}
    authority = held.authority
    for name in ("server", *plan.clients):
        if name not in leaves and (there := _files_of(held, name)):
            raise CertificateError(
                f"{directory} holds {', '.join(there)}, but no pair of this CA called {name}.",
                "move them elsewhere, so that they can be made as described.",
            )
    faults = _leaf_differs(leaves.get("server"), plan, "server", plan.server_days, authority)
    if faults:
        made = make_leaf(
            Role.SERVER,
            plan.server_subject.x509_name(),
            generate(plan.key_type),
            authority,
            reachable(plan.server_days, authority),
            plan.server.extension(),
        )
        files |= {**made.files("server"), "ca.srl": serial_file(made.certificate)}
        done.append(f"server.pem: {faults}; issued as described")
    for name, days in plan.clients.items():
        faults = _leaf_differs(leaves.get(name), plan, name, days, authority)
        if faults:
            made = make_client(plan, name, authority, reachable(days, authority))
            files |= {**made.files(name), "ca.srl": serial_file(made.certificate)}
            done.append(f"{name}.pem: {faults}; issued as described")
    return Change(files, done=tuple(done) or (f"{directory}: as described; nothing to do",))


def add_client(
    held: Inventory,
    name: str,
    days: int | None = None,
    key_type: str | None = None,
    *,
    overwrite: bool = False,
) -> Change:
    """One more client of a set, its name built as those of its server.

    Raises:
        CertificateError: If the name cannot be used or is taken, or the CA cannot sign.
    """
    client_name(name)
    there = _files_of(held, name)
    if there and not overwrite:
        raise CertificateError(
            f"{held.directory} holds {', '.join(there)} already.",
            "choose another name, say --force, or renew what is there: "
            f"{certs('renew', held.directory, '--only', name)}",
        )
    authority = held.authority
    issuer = authority.certificate
    if key_type is None:
        key_type = type_of(public_key(issuer))
        key_type = key_type if key_type in KEY_TYPES else DEFAULT_KEY_TYPE
    subject = Subject.of(issuer.subject).named(name).x509_name()
    valid = days if days is not None else reachable(LEAF_DAYS, authority)
    made = make_leaf(Role.CLIENT, subject, generate(key_type), authority, valid)
    end = made.certificate.not_valid_after_utc.date()
    return Change(
        {**made.files(name), "ca.srl": serial_file(made.certificate)},
        done=(f"{name}.key, {name}.pem, {name}.csr: issued, valid until {end}",),
    )


def _files_of(held: Inventory, stem: str) -> list[str]:
    names = (f"{stem}{suffix}" for suffix in (".key", ".pem", ".csr"))
    return [name for name in names if os.path.lexists(held.directory / name)]


def _authority_differs(held: Inventory, plan: SetPlan) -> Iterator[str]:
    root = held.anchors[0]
    found = type_of(public_key(root))
    if found != plan.key_type:
        yield f"its key is {found}, not {plan.key_type}"
    if held.has_intermediate != (plan.intermediate_days is not None):
        yield "an intermediate CA signs" if held.has_intermediate else "no intermediate CA signs"
    called = Subject.of(root.subject).common_name
    if plan.ca_common_name and called != plan.ca_common_name:
        yield f"it is called {called}, not {plan.ca_common_name}"


def _leaf_differs(
    leaf: Leaf | None, plan: SetPlan, name: str, days: int, authority: Authority
) -> str:
    """How a leaf differs from its description; empty if it does not."""
    if leaf is None:
        return "missing"
    one, wrong = leaf.certificate, []
    server = name == "server"
    subject = plan.server_subject if server else plan.client_subject(name)
    if one.subject != subject.x509_name():
        wrong.append("another subject")
    if server and leaf.names != plan.server.extension():
        wrong.append("other names")
    if type_of(public_key(one)) != plan.key_type:
        wrong.append("another key type")
    # Where the CA ends first, the leaf ends with it.
    cut = authority.certificate.not_valid_after_utc - one.not_valid_after_utc < timedelta(days=2)
    if leaf.days != days and not cut:
        wrong.append(f"issued for {leaf.days} days, not {days}")
    if one.not_valid_after_utc <= now():
        wrong.append("expired")
    return ", ".join(wrong)
