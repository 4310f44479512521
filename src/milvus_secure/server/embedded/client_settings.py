"""What a client of the embedded server exports, as far as this machine knows it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from ..._common.endpoint import parse_endpoint
from ..._common.versions import installed_grpc
from ...client.settings import MilvusSettings
from ...errors import MilvusSecureError
from ...pem.material import read_one
from ...verification.hostname import accepts, generation, matches, presented
from ...verification.path import Role, judge_path

_UNKNOWN = "..."


def exports(uri: str, server_pem: Path, ca_pem: Path | None, env_file: Path) -> list[str]:
    """Lines for a POSIX shell, with a comment where a value is for the user to fill in.

    Args:
        uri: What the client dials.
        server_pem: The chain that the server presents; the client's files may be next to it.
        ca_pem: What the server trusts in mutual mode, else None.
        env_file: The client's settings, if such a file was written.
    """
    known = _loaded(env_file)
    values = [("URI", uri, "")]
    name = _server_name(parse_endpoint(uri).host, server_pem)
    if name is not None:
        values.append(("SERVER_NAME", name, ""))
    anchors = (known and known.ca_pem_path, ca_pem, server_pem.with_name("ca.pem"))
    anchor = next(
        (anchor for anchor in anchors if anchor and _vouches(anchor, server_pem, Role.SERVER)), None
    )
    values.append(("CA_PEM_PATH", _text(anchor), f"the CA that issued {server_pem.name}"))
    if ca_pem is not None:
        pem, key = next(_pairs(known, server_pem, ca_pem), (None, None))
        values.append(("CLIENT_PEM_PATH", _text(pem), f"issued by the CA in {ca_pem.name}"))
        values.append(("CLIENT_KEY_PATH", _text(key), "its key"))
    return [
        f"export MILVUS_{variable}={shlex.quote(value)}"
        + (f"  # {comment}" if value == _UNKNOWN else "")
        for variable, value, comment in values
    ]


def _text(path: str | Path | None) -> str:
    return str(Path(path).absolute()) if path is not None else _UNKNOWN


def _loaded(env_file: Path) -> MilvusSettings | None:
    if not env_file.is_file():
        return None
    try:
        return MilvusSettings(
            environ={}, env_file=env_file.absolute(), cwd=env_file.parent, config=False
        )
    except MilvusSecureError:  # of another server or program, and not named by the user
        return None


def _pairs(
    known: MilvusSettings | None, server_pem: Path, ca_pem: Path
) -> Iterator[tuple[str | Path, str | Path]]:
    """Client certificates that the server takes, each with its key."""
    neighbours = server_pem.with_name("client.pem"), server_pem.with_name("client.key")
    for pem, key in (
        (known and known.client_pem_path, known and known.client_key_path),
        neighbours,
    ):
        if pem and key and Path(key).is_file() and _vouches(ca_pem, pem, Role.CLIENT):
            yield pem, key


def _vouches(anchor: str | Path, chain: str | Path, role: Role) -> bool:
    """Whether the chain leads to the anchor; that it has expired, say, is for a check to tell."""
    anchors, certificates = (
        read_one(slot, str(Path(path).absolute()), slot, "argument").certificates
        for slot, path in (("ca_pem", anchor), ("client_pem", chain))
    )
    now = datetime.now(timezone.utc)
    return bool(certificates) and judge_path(certificates, anchors, now, role).trusted is not None


def _server_name(host: str, server_pem: Path) -> str | None:
    """A name in the certificate if the host is not in it; of a wildcard, one that it matches."""
    [leaf, *_] = read_one("server_pem", str(server_pem.absolute()), "", "").certificates or [None]
    if leaf is None:
        return None
    identifiers, rules = presented(leaf), generation(installed_grpc())
    if accepts(identifiers, host, rules, overridden=False):
        return None
    names = [re.sub(r"^\*(?=\.)", "milvus", name) for name in (*identifiers.dns, *identifiers.ips)]
    usable = (
        name
        for name in (host, *names, identifiers.common_name)
        if matches(identifiers, name, rules)
    )
    return next(usable, None)
