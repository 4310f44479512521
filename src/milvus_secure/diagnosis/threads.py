"""Runs one function on many things, some at a time, and lets go when it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

_A_WHILE = 0.2  # seconds

_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")


def map_in_threads(
    function: Callable[[_Thing], _Result], things: Sequence[_Thing], most: int
) -> list[_Result]:
    """What a function makes of each thing, in the order given.

    Unlike an executor's, its threads are daemons: whoever interrupts it does not wait for those
    under way, nor does the interpreter's end.

    Args:
        function: Called once for each, in some thread; what it raises is raised here.
        things: Any number.
        most: How many threads at most.
    """
    results: list[Future[_Result]] = [Future() for _ in things]
    due: SimpleQueue[tuple[Future[_Result], _Thing]] = SimpleQueue()
    for one in zip(results, things, strict=True):
        due.put(one)

    def work() -> None:
        while True:
            try:
                result, thing = due.get_nowait()
            except Empty:
                return
            if result.set_running_or_notify_cancel():
                try:
                    result.set_result(function(thing))
                except BaseException as error:  # noqa: BLE001 - handed to the caller
                    result.set_exception(error)

    for _ in range(min(len(things), most)):
        Thread(target=work, name="milvus-secure-check", daemon=True).start()
    try:
        _await(results)
        return [result.result() for result in results]
    finally:
        for result in results:
            result.cancel()


def _await(results: Sequence[Future[_Result]]) -> None:
    """Wait for all, or for the first that raises.

    Ctrl-C is seen between two waits: one that comes just as a wait begins does not end it.
    """
    while True:
        done, left = wait(results, _A_WHILE, FIRST_EXCEPTION)
        for result in done:
            result.result()
        if not left:
            return
