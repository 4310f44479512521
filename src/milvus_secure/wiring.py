"""From settings to the keyword arguments that make pymilvus do what was asked.

pymilvus lets ``server_pem_path`` win and silently drops the client pair beside it; it ignores
``ca_pem_path`` without a client pair, and a client pair without ``ca_pem_path``
(``GrpcHandler._setup_grpc_channel``). So exactly one shape is ever passed for each mode.
"""

from __future__ import annotations

import os
import re
import stat
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, TypedDict
from uuid import uuid4

from .doctor import check, refuse_contradictions
from .endpoint import parse_endpoint
from .errors import SecureConnectionError
from .material import read_material
from .mode import TLSMode, resolve_mode
from .roots import public_roots_path

if TYPE_CHECKING:
    from .settings import MilvusSettings


class ClientKwargs(TypedDict, total=False):
    """Exactly the keywords that may be passed to pymilvus; none of them is ever None."""

    uri: str
    user: str
    password: str
    token: str
    db_name: str
    timeout: float
    secure: bool
    server_name: str
    server_pem_path: str
    client_pem_path: str
    client_key_path: str
    ca_pem_path: str
    dedicated: bool
    alias: str


def client_kwargs(settings: MilvusSettings) -> ClientKwargs:
    """Map settings to pymilvus's keywords; see `MilvusSettings.client_kwargs`.

    Raises:
        SecureConnectionError: If the settings contradict each other, ask for plaintext
            without ``allow_plaintext``, or name a file that must never reach gRPC.
    """
    refuse_contradictions(settings)
    mode = resolve_mode(settings)
    endpoint = parse_endpoint(settings.uri)
    scheme = "http" if mode is TLSMode.PLAINTEXT else "https"
    kwargs = ClientKwargs(
        uri=f"{scheme}://{endpoint.address}",
        secure=mode is not TLSMode.PLAINTEXT,
        timeout=settings.timeout,
    )
    if settings.token:
        kwargs["token"] = settings.token.get_secret_value()
    if settings.user:
        kwargs["user"] = settings.user
    if settings.password:
        kwargs["password"] = settings.password.get_secret_value()
    if settings.db_name:
        kwargs["db_name"] = settings.db_name
    if mode is not TLSMode.PLAINTEXT:
        if settings.server_name:
            kwargs["server_name"] = settings.server_name
        kwargs.update(_one_way(settings) if mode is TLSMode.ONE_WAY else _mutual(settings))
        _refuse_fatal(settings, kwargs)
    kwargs.update(_own_channel())
    return kwargs


def _one_way(settings: MilvusSettings) -> ClientKwargs:
    """A CA alone becomes the anchor in the only keyword pymilvus reads without a client pair."""
    for slot in ("server_pem", "ca_pem"):
        path = _path(settings, slot)
        if path:
            return ClientKwargs() if path == "system" else ClientKwargs(server_pem_path=path)
    return ClientKwargs()


def _mutual(settings: MilvusSettings) -> ClientKwargs:
    anchor = _path(settings, "ca_pem")
    return ClientKwargs(
        ca_pem_path=str(public_roots_path()) if anchor == "system" else anchor,
        client_pem_path=_path(settings, "client_pem"),
        client_key_path=_key_path(settings),
    )


def _path(settings: MilvusSettings, slot: str) -> str:
    """A path to a slot's material, spooled if it was given as text; empty if it is not given."""
    inline = getattr(settings, slot)
    if inline is None:
        return str(getattr(settings, f"{slot}_path") or "")
    text = inline if isinstance(inline, str) else inline.get_secret_value()
    return settings.spool.path_for(text.encode())


def _key_path(settings: MilvusSettings) -> str:
    """gRPC takes no password, so an encrypted key is opened here and spooled."""
    if settings.client_key_password is None:
        return _path(settings, "client_key")
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    key = read_material(settings)["client_key"].key
    if key is None:
        return _path(settings, "client_key")
    return settings.spool.path_for(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ))  # fmt: skip


def _refuse_fatal(settings: MilvusSettings, kwargs: ClientKwargs) -> None:
    """Refuse what no caller can catch later: an abort, a hang, or trust in everyone.

    An empty client file makes gRPC abort the process, an empty anchor makes it trust all public
    roots, and pymilvus would wait for ever to open a pipe.
    """
    slots = ("server_pem_path", "ca_pem_path", "client_pem_path", "client_key_path")
    for path in filter(None, map(kwargs.get, slots)):
        try:
            status = os.stat(str(path))  # noqa: PTH116 - the spool's paths are text as well
        except (OSError, ValueError):
            continue  # pymilvus raises an ordinary error for it
        if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
            raise SecureConnectionError(check(settings, online=False))


@cache
def installed_pymilvus() -> tuple[int, ...]:
    """Release of the installed pymilvus, as ``(major, minor, patch)``."""
    return tuple(int(part) for part in re.findall(r"\d+", version("pymilvus"))[:3])


def _own_channel() -> ClientKwargs:
    """Keep this client's channel to itself: pymilvus shares them without regard to TLS.

    From 2.6.10 on clients share a channel by address and token unless ``dedicated``
    (pymilvus ``client/connection_manager.py``). From 2.5.12 to 2.6.9 they share it by an alias
    made of URI and user (``milvus_client/_utils.py``); the same releases, and 2.5.10 and 2.5.11,
    take an alias from the caller. Older ones make a random alias themselves, and refuse one.
    With ``connections.connect``, which registers under ``alias``, put your own there instead.
    """
    if installed_pymilvus() >= (2, 6, 10):
        return ClientKwargs(dedicated=True)
    if installed_pymilvus() >= (2, 5, 12):
        return ClientKwargs(alias=f"milvus-secure-{uuid4().hex}")
    return ClientKwargs()
