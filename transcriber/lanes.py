"""Pieces of work side by side in threads, so that no voice waits for the whole of another one.

Whisper's decoder keeps only one core busy, whatever it is given. On 2 cores, 20 notes of 3 to 24 s (base, int8) took
23.0 s one after the other with 2 threads, 10.2 s two at a time with 2 threads each, 13.5 s two at a time with one
thread each, 17.3 s in batches of four: the best of several turns on a busy machine.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")

LONG_S = 60.0  # a longer voice lets others go first; up to here it is about one piece for each lane
YIELDS = 16  # so many pieces of short voices go before one of a long voice that was there first; ours
LEAST, MOST = 2, 4  # a short voice gets past a long one on any machine; each lane takes memory (100 MB for base)


def lanes_for(threads: int) -> int:
    """How many pieces to work on at once on so many `threads`."""
    return max(LEAST, min(threads, MOST))


class Lanes:
    """`number` threads; first come, first served, but what is not urgent lets the next YIELDS pieces go before it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._threads = ThreadPoolExecutor(number, "whisper")
        self._arrivals = count()
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, int, Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[[], T], *, urgent: bool = True) -> Future[T]:
        """What `work` will return or raise."""
        future: Future[T] = Future()
        with self._lock:
            arrival = next(self._arrivals)
            heapq.heappush(self._waiting, (arrival if urgent else arrival + YIELDS, arrival, future, work))
        self._threads.submit(self._take)
        return future

    def close(self) -> None:
        """Blocks until everything submitted is done."""
        self._threads.shutdown()

    def _take(self) -> None:
        with self._lock:
            _, _, future, work = heapq.heappop(self._waiting)
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
