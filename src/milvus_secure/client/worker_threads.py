"""Threads that connect. One that has nothing to do is used again, for a second.

gRPC and the memory allocator set up much for a thread that is new to them: a millisecond, a tenth
of a connection.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import Context
from queue import Empty, SimpleQueue
from threading import Thread

_IDLE_SECONDS = 1.0


class _Worker:
    """A daemon thread, which nothing waits for at the end of the interpreter."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        Thread(target=self._run, name="milvus-secure-connect", daemon=True).start()

    def start(self, call: Callable[[], None]) -> None:
        self._calls.put(call)

    def _run(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=_IDLE_SECONDS)
            except Empty:
                try:
                    _IDLE.remove(self)
                except ValueError:  # it has just been chosen: a call is on its way
                    continue
                return
            Context().run(call)  # an empty one, as in a new thread
            del call  # it may hold secrets
            _IDLE.append(self)


_IDLE: list[_Worker] = []
"""Those that wait for a call, the last used at the end."""

if hasattr(os, "register_at_fork"):  # a forked child has none of these threads
    os.register_at_fork(after_in_child=_IDLE.clear)


def start_in_thread(call: Callable[[], None]) -> None:
    """Call a function in a daemon thread.

    Args:
        call: It raises nothing.
    """
    try:
        worker = _IDLE.pop()
    except IndexError:
        worker = _Worker()
    worker.start(call)
