"""A small TOML file that describes a set, to be kept in git."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..._common.text import nearest
from ...errors import CertificateError
from ...pem.files import read_path
from .keys import DEFAULT_KEY_TYPE
from .plan import CA_DAYS, CLIENT, LEAF_DAYS, SetPlan, make_plan
from .subject import Subject

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TOP = ("key_type", "subject", "ca", "intermediate", "server", "clients")
_SUBJECT = tuple(part.name for part in fields(Subject) if part.name != "common_name")


def load_plan(path: Path) -> SetPlan:
    """Read the description of a set.

    Every key is optional::

        key_type = "p256"

        [subject]
        country = "DE"
        organization = "Example"

        [ca]                      # signs the intermediate if there is one, else the leaves
        common_name = "Example Milvus CA"
        days = 3650

        [intermediate]            # without this table there is none
        days = 1825

        [server]
        common_name = "milvus.example.com"
        names = ["milvus.example.com", "localhost"]
        ips = ["127.0.0.1"]
        days = 365

        [clients.ingest]          # files ingest.key, ingest.pem, ingest.csr
        days = 90

    Raises:
        CertificateError: If it cannot be read, a key is unknown or has the wrong type, or such a
            set is not possible.
    """
    document = _document(path)
    _known(path, "", document, _TOP)
    ca = _table(path, document, "ca", ("common_name", "days"))
    server = _table(path, document, "server", ("common_name", "names", "ips", "days"))
    subject = _table(path, document, "subject", _SUBJECT)
    middle = _table(path, document, "intermediate", ("days",))
    days = server.get("days", LEAF_DAYS)
    clients = {CLIENT: LEAF_DAYS}
    client_tables = _table(path, document, "clients", None)
    for name in client_tables:
        clients[name] = _table(path, client_tables, name, ("days",), "clients.").get(
            "days", LEAF_DAYS
        )
    if "intermediate" in document:
        middle.setdefault("days", ca.get("days", CA_DAYS))
    try:
        return make_plan(
            _texts(server, "names"),
            _texts(server, "ips"),
            key_type=document.get("key_type", DEFAULT_KEY_TYPE),
            server_days=days,
            clients=clients,
            ca_days=ca.get("days", CA_DAYS),
            intermediate_days=middle.get("days"),
            ca_common_name=ca.get("common_name"),
            subject=Subject(common_name=server.get("common_name"), **subject),
        )
    except CertificateError as error:
        raise CertificateError(f"{path}: {error.cause}", error.fix, error.command) from None


def _document(path: Path) -> dict[str, Any]:
    reading = read_path(str(path))
    if reading.fault is not None:
        raise CertificateError(
            f"{path} cannot be read: {reading.fault.detail or reading.fault.code}.",
            "Name a TOML file.",
        )
    try:
        return tomllib.loads(reading.data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CertificateError(
            f"{path} is not valid TOML: {error}.", "Correct that line."
        ) from None


def _table(
    path: Path,
    parent: Mapping[str, Any],
    name: str,
    known: Iterable[str] | None,
    prefix: str = "",
) -> dict[str, Any]:
    table = parent.get(name, {})
    if not isinstance(table, dict):
        raise CertificateError(
            f"{path}: {prefix}{name} is not a table.", f"Write it as [{prefix}{name}]."
        )
    if known is not None:
        _known(path, f"{prefix}{name}.", table, tuple(known))
    return dict(table)


def _known(path: Path, prefix: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            near = nearest(key, known)
            fix = f"Did you mean {prefix}{near}?" if near else f"Use one of {', '.join(known)}."
            raise CertificateError(f"{path} contains the unknown key {prefix}{key}.", fix)


def _texts(table: Mapping[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise CertificateError(
            f"server.{key} is not a list of strings.", f'Write it as {key} = ["..."].'
        )
    return value
