"""A thread that has nothing to do connects again; it is no longer there when nobody connects."""

from __future__ import annotations

import gc
import weakref
from contextvars import ContextVar
from threading import Event, Thread, current_thread

import pytest

from milvus_secure.client import worker_threads
from milvus_secure.client.worker_threads import start_in_thread
from waiting import LIMIT, eventually, library_threads

LABEL: ContextVar[str] = ContextVar("label")


@pytest.fixture(autouse=True)
def idle(monkeypatch):
    """The idle threads of this test alone, which stay for as long as it takes."""
    threads: list[object] = []
    monkeypatch.setattr(worker_threads, "_IDLE", threads)
    monkeypatch.setattr(worker_threads, "_IDLE_SECONDS", 0.2)
    yield threads
    assert eventually(lambda: not threads), "the threads end"


def thread_of_a_call() -> Thread:
    threads: list[Thread] = []
    done = Event()

    def call() -> None:
        threads.append(current_thread())
        done.set()

    start_in_thread(call)
    assert done.wait(LIMIT)
    return threads[0]


def test_the_next_call_is_made_in_the_same_thread(idle, monkeypatch):
    monkeypatch.setattr(worker_threads, "_IDLE_SECONDS", 10.0)
    first = thread_of_a_call()
    assert eventually(lambda: idle)
    monkeypatch.setattr(worker_threads, "_IDLE_SECONDS", 0.2)
    assert thread_of_a_call() is first


def test_a_thread_that_still_works_gets_no_other_call():
    release, started = Event(), Event()
    busy: list[Thread] = []

    def call() -> None:
        busy.append(current_thread())
        started.set()
        release.wait(LIMIT)

    start_in_thread(call)
    assert started.wait(LIMIT)
    try:
        assert thread_of_a_call() is not busy[0]
    finally:
        release.set()


def test_threads_end_when_nobody_connects():
    before = library_threads()
    thread_of_a_call()
    assert eventually(lambda: library_threads() <= before)


def test_a_call_leaves_nothing_in_the_thread(idle):
    class Secret:
        pass

    def prepared():
        secret = Secret()
        return weakref.ref(secret), lambda: LABEL.set(repr(secret))

    secret, call = prepared()
    start_in_thread(call)
    del call
    assert eventually(lambda: idle)
    gc.collect()
    assert secret() is None
    labels: list[str] = []
    done = Event()
    start_in_thread(lambda: (labels.append(LABEL.get("none")), done.set()))
    assert done.wait(LIMIT)
    assert labels == ["none"]
