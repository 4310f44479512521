"""From settings to the keyword arguments that make pymilvus do what was asked.

pymilvus gives ``server_pem_path`` precedence and silently drops the client pair; it ignores
``ca_pem_path`` without a client pair, and a client pair without ``ca_pem_path``
(``GrpcHandler._setup_grpc_channel``, newer releases ``_create_grpc_channel``). So exactly one
shape is ever passed for each mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict, cast
from uuid import uuid4

from .._common.system_limits import NoPlaceError
from .._common.tls_mode import TLSMode
from .._common.versions import installed_pymilvus
from ..diagnosis.check import judge, raise_for_errors
from ..diagnosis.context import Context
from ..diagnosis.material import read_material
from ..diagnosis.rules import OFFLINE, SETTINGS
from ..errors import SecureConnectionError
from ..pem.public_roots import public_roots_path
from ..pem.slots import Slot
from .logs import log
from .masked_dict import MaskedDict
from .origins import remember

if TYPE_CHECKING:
    from ..reporting.report import Finding
    from ..settings.model import SettingsModel

_UNSAFE = ("file-empty", "file-not-regular")


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


def client_kwargs(
    settings: SettingsModel, path_of: Callable[[str], str] | None = None, *, check: bool = False
) -> ClientKwargs:
    """Guard the settings and map them; see `MilvusSettings.client_kwargs`.

    Args:
        settings: As loaded.
        path_of: Where the material of a slot is read; its own path, or a temporary file's, if None.
        check: Run all offline checks.

    Raises:
        SecureConnectionError: As `guard` does; or if there is no place for temporary files.
    """
    context = Context(settings, read_material(settings))
    for warning in guard(context, check=check):
        log(warning)
    kwargs = keywords(settings, path_of or _lasting_paths(context))
    remember(kwargs, settings)
    return kwargs


def guard(context: Context, *, check: bool) -> tuple[Finding, ...]:
    """Refuse what must not reach pymilvus; called once before the settings are mapped.

    Without `check`, that is what no caller can catch later: contradictions, for which there is no
    mapping, and files that end in an abort, a hang, or trust in everyone. An empty client file
    makes gRPC abort the process, an empty anchor makes it (since 1.78) trust all public roots, and
    pymilvus would wait without limit to open a pipe.

    Args:
        context: The settings with their material.
        check: Run all offline checks.

    Returns:
        The warnings of the checks; none without `check`.

    Raises:
        SecureConnectionError: If the settings contradict each other, ask for plaintext without
            ``allow_plaintext``, or name a file that must never reach gRPC; with `check`, if
            there is any error.
    """
    if check:
        return raise_for_errors(context, OFFLINE)
    raise_for_errors(context, SETTINGS)
    for slot in _slots(context.settings, context.mode).values():
        fault = context.material[slot].fault
        if fault and fault.code in _UNSAFE:
            raise SecureConnectionError(judge(context, OFFLINE))
    return ()


def keywords(settings: SettingsModel, path_of: Callable[[str], Any]) -> ClientKwargs:
    """Map settings that `guard` let pass to pymilvus's keywords.

    Args:
        settings: As loaded.
        path_of: Where the material of a slot is read.

    Returns:
        A dict whose repr hides the secrets.
    """
    mode = settings.effective_tls_mode
    endpoint = settings.valid_endpoint
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
        slots = _slots(settings, mode)
        kwargs.update(cast("ClientKwargs", {name: path_of(slot) for name, slot in slots.items()}))
        if mode is TLSMode.MUTUAL and "ca_pem_path" not in slots:
            kwargs["ca_pem_path"] = str(public_roots_path())
    kwargs.update(_own_channel())
    return cast("ClientKwargs", MaskedDict(kwargs, masked=("token", "password")))


def _slots(settings: SettingsModel, mode: TLSMode) -> dict[str, Slot]:
    """Which of pymilvus's keywords takes which slot; public roots are in none.

    A CA alone becomes the anchor in the only keyword pymilvus reads without a client pair.
    """
    sources = settings.pem_sources
    if mode is TLSMode.MUTUAL:
        pieces = (Slot.CA_PEM, Slot.CLIENT_PEM, Slot.CLIENT_KEY)
        chosen = {slot.path_setting: slot for slot in pieces}
    else:
        anchor = Slot.SERVER_PEM if settings.has(Slot.SERVER_PEM) else Slot.CA_PEM
        chosen = {Slot.SERVER_PEM.path_setting: anchor} if settings.has(anchor) else {}
    public = {slot for slot, source in sources.items() if source.is_public_roots}
    return {name: slot for name, slot in chosen.items() if slot not in public}


def _lasting_paths(context: Context) -> Callable[[str], str]:
    """The files that were named; temporary ones for text and for what gRPC cannot read."""
    settings, material = context.settings, context.material

    def path(slot: str) -> str:
        piece = material[slot]
        if piece.setting != slot and piece.pem == piece.data:
            return str(getattr(settings, piece.setting))
        try:
            return settings.temp_files.path_for(piece.pem)
        except NoPlaceError as error:
            raise SecureConnectionError(judge(context, OFFLINE), error.cause, error.fix) from error

    return path


def _own_channel() -> ClientKwargs:
    """Give this client its own channel: pymilvus shares channels without regard to TLS.

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
