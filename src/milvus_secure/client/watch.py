"""`watch`: uses renewed certificates in a running service, and warns before they expire.

What needs no watching: a client of `connect_secure` reads its files again whenever pymilvus makes
a new channel, which is from 2.6.11 on after a call has failed as UNAVAILABLE. So a restarted
server, a renewed certificate or a changed CA is met with the files as they are then. A set
that is half written or does not belong together is never used: the earlier one stays.

What `watch` adds is doing so before a call fails, and saying so in the log.

What pymilvus leaves to the caller:

- While the server is away a call raises ``MilvusException`` at once ("Fail connecting to
  server"): its retries end with the first reconnection that fails. Call again.
- It sends a call again when the connection broke under it, an insert included, and whether the
  first one arrived is not known. The same is true for a caller that tries again. Write with
  ``upsert``, or with
  ids of your own, where a row must never be there twice.
- 2.6.11 to 2.6.15 and 3.0.0 close the channel before they have another, and a client whose
  reconnection fails stays closed. Older ones never connect again: gRPC dials again with the
  material of the start. Both need a new `connect_secure` when that has ended.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from weakref import finalize, ref

from ..errors import MilvusSecureError
from ..reporting.catalogue import CATALOGUE
from ..reporting.report import Finding, Severity
from .connect import supply_of
from .failures import diagnosed
from .logs import LOG, log
from .material_provider import MaterialProvider
from .origins import settings_of
from .timeouts import waits_full_timeout

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ..settings.model import SettingsModel

_INTERVAL = 300.0
_AREAS = ("files", "trust", "names")


def watch(
    client: object, *, settings: SettingsModel | None = None, interval: float = _INTERVAL
) -> Watch:
    """Keep a client's certificates current while it is in use.

    At once and then at every interval, a thread of its own reads the files again, looks at the
    certificate the server presents, and logs to ``milvus_secure`` what is wrong or will be soon:
    above all what expires within ``settings.expiry_warning_days``. When the files have
    changed and are sound, the client connects with them; calls under way end on the old
    connection. When they are not, or the server refuses them, the old connection stays and the
    reason is logged.

    Call it in the event loop that an ``AsyncMilvusClient`` belongs to. On a pymilvus that cannot
    take up a new connection without losing the old one (before 2.6.16, and 3.0.0), sound new
    material is only reported.

    Example:
        >>> client = connect_secure()
        >>> with watch(client):
        ...     serve(client)

    Args:
        client: What `connect_secure` or `connect_secure_async` returned, or a client of pymilvus
            made with keyword arguments from `client_kwargs`, as frameworks make them. Such a
            client reads the files that the settings name by itself; of an encrypted key or a
            PKCS#12 store it keeps the copy that was made of it.
        settings: Those of a client whose keyword arguments came from another process.
        interval: Seconds between two looks.

    Returns:
        The watch. It ends with `Watch.close`, as a context manager, or with the client.

    Raises:
        MilvusSecureError: If nothing is known of the client's material.
    """
    provider = supply_of(client)
    if provider is not None:
        return Watch(client, provider, interval, _loop_of(client))
    settings = settings or settings_of(client)
    if settings is None:
        raise MilvusSecureError(
            "This client was made neither by connect_secure nor with keyword arguments from "
            "client_kwargs in this process, so its TLS files are not known.",
            "Pass its settings: watch(client, settings=settings).",
        )
    provider = MaterialProvider(settings)
    return Watch(client, provider, interval, _loop_of(client), keeps_copies=True)


class Watch:
    """One client under watch; `watch` makes it."""

    def __init__(
        self,
        client: object,
        supply: MaterialProvider,
        interval: float,
        loop: asyncio.AbstractEventLoop | None,
        *,
        keeps_copies: bool = False,
    ) -> None:
        self._client = ref(client)
        self._supply = supply
        self._interval = interval
        self._loop = loop
        self._keeps_copies = keeps_copies
        self._due = False
        self._logged = set(supply.logged)
        self._stopped = threading.Event()
        finalize(client, self._stopped.set)
        self._thread = threading.Thread(target=self._run, name="milvus-secure-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, and wait for a look under way unless an event loop would be held up by that.

        Safe to repeat.
        """
        self._stopped.set()
        if self._loop is None and threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while self._goes_on() and not self._stopped.wait(self._interval):
            pass

    def _goes_on(self) -> bool:
        """Look once; False when the client is closed or gone."""
        client = self._client()
        if client is None or _is_closed(client) or (self._loop and self._loop.is_closed()):
            return False
        try:
            self._look(client)
        except Exception as error:  # noqa: BLE001 - a watch that dies unseen is worse
            # Never the exception's text: it may quote a secret.
            LOG.error("Reading the TLS files failed with %s.", type(error).__name__)
        return True

    def _look(self, client: object) -> None:
        self._due = self._supply.renew() or self._due
        report = diagnosed(self._supply.context(), self._supply.settings.timeout)
        self._tell(
            finding
            for finding in report.findings
            if CATALOGUE[finding.code].area in _AREAS
            or (self._due and finding.severity is Severity.ERROR)
        )
        if self._due and report.ok:
            # Before 2.6.10 a client has no such attribute; those releases cannot connect again.
            self._connect(getattr(client, "_handler", client))

    def _tell(self, findings: Iterable[Finding]) -> None:
        """Log what was not there at the last look; the days left are part of a message."""
        present = {
            finding.message: finding
            for finding in findings
            if finding.severity is not Severity.INFO
        }
        for message, finding in present.items():
            if message not in self._logged:
                log(finding)
        self._logged = set(present)

    def _connect(self, handler: Any) -> None:  # noqa: ANN401 - pymilvus has no types
        """Connect with the renewed material; after a failure the old connection is kept."""
        if self._keeps_copies and self._is_opened():
            self._due = False
            LOG.warning(
                "The TLS material was renewed. This client keeps a copy of the old material, "
                "because its key had to be decrypted. Fix: make a new client with client_kwargs, "
                "or "
                "use connect_secure."
            )
            return
        if handler is None:  # an asynchronous client that has not connected yet
            self._due = False
            return
        if waits_full_timeout():
            self._due = False
            LOG.warning(
                "The TLS material was renewed, and the installed pymilvus cannot use a new "
                "connection. Fix: connect_secure again, or install pymilvus 2.6.16, 3.0.1 or newer."
            )
            return
        seconds = self._supply.settings.timeout
        if self._loop is None:
            handler.reconnect(timeout=seconds)
        else:
            dial = asyncio.run_coroutine_threadsafe(handler.reconnect(timeout=seconds), self._loop)
            dial.result(seconds)
        self._due = False
        LOG.info("Connected again, with the renewed TLS material.")

    def _is_opened(self) -> bool:
        """Whether a key or a store had to be opened for pymilvus."""
        material = self._supply.context().material
        return any(piece.converted for piece in material.values())


def _is_closed(client: object) -> bool:
    """Whether a client was closed; those before 2.6.10 do not say, and are watched until gone."""
    if getattr(client, "_handler", client) is not None:
        return False
    return bool(getattr(client, "_closed", True))  # an asynchronous one connects when it is used


def _loop_of(client: Any) -> asyncio.AbstractEventLoop | None:  # noqa: ANN401 - sync or async
    if not asyncio.iscoroutinefunction(client.close):
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise MilvusSecureError(
            "An AsyncMilvusClient is watched from its event loop, and no event loop runs here.",
            "Call watch in a coroutine.",
        ) from None
