"""Running a function on many items in threads: order, limits, interruption."""

from __future__ import annotations

import threading
import time

import pytest

from milvus_secure.diagnosis.threads import map_in_threads
from waiting import eventually, library_threads


def test_results_are_in_the_order_of_the_items():
    def slower_first(number: int) -> int:
        time.sleep((5 - number) / 100)
        return number * 10

    assert map_in_threads(slower_first, range(5), 3) == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("most", [1, 4])
def test_never_more_at_a_time_than_asked_for(most):
    under_way, counts, lock = 0, [], threading.Lock()

    def count(_: int) -> None:
        nonlocal under_way
        with lock:
            under_way += 1
            counts.append(under_way)
        time.sleep(0.01)
        with lock:
            under_way -= 1

    map_in_threads(count, range(12), most)
    assert max(counts) <= most


def test_the_first_error_is_raised_and_cancels_pending_items():
    started, gate = [], threading.Event()

    def fail(number: int) -> None:
        started.append(number)
        if number:
            gate.wait(10)
        raise OSError(number)

    with pytest.raises(OSError, match="0"):
        map_in_threads(fail, range(3), 1)
    gate.set()
    assert eventually(lambda: library_threads() == set()), library_threads()
    assert 2 not in started
