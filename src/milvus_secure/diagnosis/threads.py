"""Blocking work in daemon threads, which no interrupt and no interpreter's end waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

_NAME = "milvus-secure-check"
_POLL = 0.2  # seconds between two checks for Ctrl-C

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_threads(
    func: Callable[[_Item], _Result], items: Sequence[_Item], max_workers: int
) -> list[_Result]:
    """Call a function for each item, several at a time.

    Unlike an executor's, the threads are daemons: neither an interrupt nor the end of the
    interpreter waits for them.

    Args:
        func: Called once for each item; what it raises is raised here.
        items: Any number.
        max_workers: How many threads at most.

    Returns:
        The results, in the order of the items.
    """
    results: list[Future[_Result]] = [Future() for _ in items]
    pending: SimpleQueue[tuple[Future[_Result], _Item]] = SimpleQueue()
    for pair in zip(results, items, strict=True):
        pending.put(pair)

    def work() -> None:
        while True:
            try:
                result, item = pending.get_nowait()
            except Empty:
                return
            _settle(result, partial(func, item))

    for _ in range(min(len(items), max_workers)):
        Thread(target=work, name=_NAME, daemon=True).start()
    try:
        _await(results)
        return [result.result() for result in results]
    finally:
        for result in results:
            result.cancel()


async def call_in_thread(func: Callable[[], _Result]) -> _Result:
    """Call a function in a daemon thread of its own, without blocking the event loop.

    A cancelled call continues in its thread, and nothing waits for it.
    """
    import asyncio  # noqa: PLC0415 - 20 ms that an offline check does not need

    loop = asyncio.get_running_loop()
    result: Future[_Result] = Future()
    done = asyncio.Event()

    def work() -> None:
        _settle(result, func)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(done.set)

    thread = Thread(target=work, name=_NAME, daemon=True)
    thread.start()
    await done.wait()
    thread.join()  # it ends with what it has just done
    return result.result()


def _settle(result: Future[_Result], func: Callable[[], _Result]) -> None:
    """Call a function for a future, unless that was cancelled."""
    if result.set_running_or_notify_cancel():
        try:
            result.set_result(func())
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            result.set_exception(error)


def _await(results: Sequence[Future[_Result]]) -> None:
    """Wait for all, or for the first that raises.

    Ctrl-C is noticed between two waits: an interrupt that comes just as a wait begins does not end
    that wait.
    """
    while True:
        done, not_done = wait(results, _POLL, FIRST_EXCEPTION)
        for result in done:
            result.result()
        if not not_done:
            return
