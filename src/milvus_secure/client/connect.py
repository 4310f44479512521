"""`connect_secure`: settings checked, mapped, connected, and a failure explained.

The only module that imports pymilvus, and only when a connection is asked for.
"""

from __future__ import annotations

import asyncio
from functools import partial
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary, finalize

from .._common.endpoint import uri_of
from .._common.frames import clear_variables
from .._common.system_limits import require_descriptors
from .._common.tls_mode import TLSMode
from ..diagnosis.check import not_settings
from ..diagnosis.threads import call_in_thread
from ..errors import MilvusSecureError, SecureConnectionError
from ..settings.model import SettingsModel
from .connection_log import connection_is_logged, log_connection
from .failures import diagnosed, is_failure, one_way_after_all, unexplained
from .kwargs import keywords
from .material_provider import MaterialProvider
from .pymilvus_import import import_pymilvus
from .settings import MilvusSettings
from .timeouts import GRACE, NO_ANSWER, ConnectBudget, call_with_deadline

if TYPE_CHECKING:
    import os

    from pymilvus import AsyncMilvusClient, MilvusClient
    from typing_extensions import Unpack

    from ..settings.arguments import LoadingKwargs

_Result = TypeVar("_Result")

_SUPPLY_OF: WeakKeyDictionary[object, MaterialProvider] = WeakKeyDictionary()


def connect_secure(
    settings: MilvusSettings | str | None = None,
    *,
    preflight: bool = True,
    profile: str | None = None,
    config: str | os.PathLike[str] | None = None,
    **overrides: Unpack[LoadingKwargs],
) -> MilvusClient:
    """Connect to Milvus as the settings say, over a channel of the client's own.

    Files and settings are checked first; their warnings go to the ``milvus_secure`` logger.
    If the connection still fails, the endpoint is probed for the cause. At level INFO one
    line names endpoint, mode, and the certificates with their ends; the server's is read in a
    handshake of its own, for gRPC does not hand it out.

    Material given as text, and what was encrypted or in a PKCS#12 store, has a path as long as
    the client lives. Renewed files are used whenever the client connects again, unless they are
    worse than those in use; `watch` does not wait for that. In a forked child connect again:
    gRPC's channels do not survive a fork.

    Args:
        settings: As loaded; or the endpoint as text (``https://host:19530``, ``host:19530``) for
            settings that are loaded now, instead of their ``uri``; None loads them as they are.
        preflight: False skips the checks made before connecting.
        profile: Which profile of the settings file to load, when no settings are given.
        config: The settings file to load, when no settings are given.
        **overrides: Any setting, stronger than every other source.

    Returns:
        A connected ``pymilvus.MilvusClient``. Close it as usual.

    Raises:
        SettingsError: If the settings cannot be loaded.
        SecureConnectionError: If a check finds an error, before any socket is opened; if
            ``tls_mode`` insists on mutual TLS and the server requests no client certificate; or if
            the connection fails, within ``settings.timeout`` seconds (or the one second the
            probe is always given), the first import of pymilvus not counted. It carries the
            report, and pymilvus's exception as cause.
        pymilvus.exceptions.ParamError: As pymilvus raises it; so is everything else that is
            no failure to connect.
    """
    arguments = cast("dict[str, Any]", overrides)
    arguments["settings"] = settings
    del settings  # an endpoint may contain a password: no frame keeps it
    supply = _prepared(profile, config, arguments, preflight=preflight)
    loaded = supply.settings
    import_pymilvus()
    from pymilvus import MilvusClient  # noqa: PLC0415 - takes most of a second

    budget = ConnectBudget(loaded.timeout)
    while True:
        seconds = budget.attempt()
        kwargs = cast("dict[str, Any]", keywords(loaded, supply.path))
        kwargs["timeout"] = seconds
        try:
            require_descriptors()
            client = call_with_deadline(partial(MilvusClient, **kwargs), seconds)
        except BaseException as error:
            kwargs.clear()
            clear_variables(error)
            if not is_failure(error):
                raise
            report = diagnosed(supply.context(), budget.probe())
            if report.errors or not budget.another():
                raise SecureConnectionError(report, *unexplained(report, error, loaded)) from error
        else:
            one_way = one_way_after_all(supply.context(), budget.probe())
            if one_way is not None:
                client.close()
                raise SecureConnectionError(one_way)
            if connection_is_logged():
                log_connection(supply.context())
            return _supplied(client, supply)


async def connect_secure_async(
    settings: MilvusSettings | str | None = None,
    *,
    preflight: bool = True,
    profile: str | None = None,
    config: str | os.PathLike[str] | None = None,
    **overrides: Unpack[LoadingKwargs],
) -> AsyncMilvusClient:
    """Connect to Milvus without blocking the event loop on the network.

    As `connect_secure`, but the client is a ``pymilvus.AsyncMilvusClient``, returned
    connected: pymilvus's own would dial at its first call only.

    Raises:
        MilvusSecureError: If the installed pymilvus has no asynchronous client.
        SettingsError: As `connect_secure`.
        SecureConnectionError: As `connect_secure`.
    """
    arguments = cast("dict[str, Any]", overrides)
    arguments["settings"] = settings
    del settings  # an endpoint may contain a password: no frame keeps it
    # In a thread: files that are being replaced are read again for up to a second.
    supply = await call_in_thread(
        partial(_prepared, profile, config, arguments, preflight=preflight)
    )
    loaded = supply.settings
    import_pymilvus()
    try:
        from pymilvus import AsyncMilvusClient  # noqa: PLC0415 - takes most of a second
    except ImportError:
        raise MilvusSecureError(
            "The installed pymilvus has no AsyncMilvusClient.", "Install a newer pymilvus."
        ) from None

    budget = ConnectBudget(loaded.timeout)
    while True:
        seconds = budget.attempt()
        kwargs = cast("dict[str, Any]", keywords(loaded, supply.path))
        kwargs["timeout"] = seconds
        try:
            require_descriptors()
            client = AsyncMilvusClient(**kwargs)
            await _connected(client, seconds)
        except BaseException as error:
            kwargs.clear()
            clear_variables(error)
            if not is_failure(error):
                raise
            report = await call_in_thread(partial(diagnosed, supply.context(), budget.probe()))
            if report.errors or not budget.another():
                raise SecureConnectionError(report, *unexplained(report, error, loaded)) from error
        else:
            look = partial(one_way_after_all, supply.context(), budget.probe())
            one_way = await call_in_thread(look) if loaded.tls_mode is TLSMode.MUTUAL else None
            if one_way is not None:
                await client.close()
                raise SecureConnectionError(one_way)
            if connection_is_logged():
                await call_in_thread(partial(log_connection, supply.context()))
            return _supplied(client, supply)


def supply_of(client: object) -> MaterialProvider | None:
    """What a client was connected with; None if it is not this library's."""
    return _SUPPLY_OF.get(client)


def _supplied(client: _Result, supply: MaterialProvider) -> _Result:
    _SUPPLY_OF[client] = supply
    finalize(client, supply.close)  # pymilvus's handlers outlive it, in cycles
    return client


def _prepared(
    profile: str | None,
    config: str | os.PathLike[str] | None,
    overrides: dict[str, Any],
    *,
    preflight: bool,
) -> MaterialProvider:
    settings: MilvusSettings | str | None = overrides.pop("settings")
    try:
        if isinstance(settings, str):
            if "uri" in overrides:
                raise TypeError("pass the endpoint as the first argument or as uri, not both")
            overrides["uri"], settings = uri_of(settings), None
        if settings is None:
            settings = MilvusSettings(profile=profile, config=config, **overrides)
        elif not isinstance(settings, SettingsModel):
            raise not_settings(settings)
        elif profile is not None or config is not None:
            raise TypeError(
                "profile and config choose what to load: pass them or settings, not both"
            )
        elif overrides:
            settings = settings.replace(**overrides)
    except BaseException:
        settings = None
        raise
    finally:
        overrides.clear()  # the caller's too: crash reporters show what frames hold
    supply = MaterialProvider(settings)
    supply.guard(check=preflight)
    return supply


async def _connected(client: AsyncMilvusClient, seconds: float) -> None:
    """Dial now, and leave nothing behind on failure."""
    if hasattr(client, "__aenter__"):
        dial = client.__aenter__()
    else:  # before 2.6.10
        dial = client._get_connection().ensure_channel_ready()  # noqa: SLF001 - no public way
    try:
        await asyncio.wait_for(dial, seconds + GRACE)
    except asyncio.TimeoutError as error:
        await _close_abandoned(error)
        await client.close()
        raise TimeoutError(NO_ANSWER) from None
    except BaseException as error:
        await _close_abandoned(error)
        await client.close()
        raise


async def _close_abandoned(error: BaseException) -> None:
    """Close the channel that failed.

    Since 2.6.10 pymilvus neither closes it nor hands it out, so that only the traceback still
    holds it (``AsyncConnectionManager._create_dedicated``).
    """
    from pymilvus.client.async_grpc_handler import AsyncGrpcHandler  # noqa: PLC0415

    link: BaseException | None = error
    while link is not None:
        for frame, _ in walk_tb(link.__traceback__):
            handler = frame.f_locals.get("handler")
            if isinstance(handler, AsyncGrpcHandler):
                await handler.close()
        link = link.__cause__ if link.__cause__ is not link else None
