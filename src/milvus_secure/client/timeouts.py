"""How long pymilvus and the probe may take, on releases that wait and on those that do not."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING

from .._common.versions import installed_pymilvus
from .worker_threads import start_in_thread

if TYPE_CHECKING:
    from pymilvus import MilvusClient

GRACE = 0.25
NO_ANSWER = "the server did not answer in time"

_FOR_THE_PROBE = 1.0
_FIRST_TRY = 1.0


class ConnectBudget:
    """Divides the seconds a connection may take between pymilvus and the probe.

    Before 2.6.16, and in 3.0.0, pymilvus waits its whole timeout for a channel that was refused
    at once (``GrpcHandler._wait_for_channel_ready``). It gets a short first try there, and all
    the rest once the probe has found nothing wrong.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._tries = 2 if waits_full_timeout() else 1

    @property
    def _left(self) -> float:
        return self._end - time.monotonic()

    def attempt(self) -> float:
        """Seconds for pymilvus, what the probe needs kept back."""
        self._tries -= 1
        share = max(self._left - _FOR_THE_PROBE, self._left / 2)
        return min(share, _FIRST_TRY) if self._tries else share

    def probe(self) -> float:
        """Seconds for the probe."""
        return max(self._left, _FOR_THE_PROBE)

    def another(self) -> bool:
        """Whether pymilvus may try once more."""
        return self._tries > 0 and self._left > 0


def waits_full_timeout() -> bool:
    """Whether the installed pymilvus is of the older kind.

    It waits its whole timeout for a channel that was refused, and ``GrpcHandler.reconnect``, where
    there is one, closes the old channel before it has a new one.
    """
    return installed_pymilvus() < (2, 6, 16) or installed_pymilvus() == (3, 0, 0)


def call_with_deadline(connect: Callable[[], MilvusClient], seconds: float) -> MilvusClient:
    """Connect, but never wait much longer than was allowed.

    Older releases give their Connect call no deadline, and with all of them a peer that sends
    without end keeps gRPC too busy to give up. So the call is made in another thread, which is left
    to itself when the time is up, and closes the client if it gets one after all.
    """
    outcome: Future[MilvusClient] = Future()

    def work() -> None:
        try:
            client = connect()
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            if outcome.set_running_or_notify_cancel():
                outcome.set_exception(error)
            return
        if outcome.set_running_or_notify_cancel():
            outcome.set_result(client)
        else:
            client.close()

    start_in_thread(work)
    try:
        return outcome.result(seconds + GRACE)
    except FutureTimeout:
        if outcome.cancel():
            raise TimeoutError(NO_ANSWER) from None
        return outcome.result()
    finally:
        outcome.cancel()
