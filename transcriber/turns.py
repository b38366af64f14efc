"""One at a time, the oldest first: downloads overtake each other, answers should not."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count


class Turns:
    """A lock that goes to the waiter with the smallest order, not to the one who came first."""

    def __init__(self) -> None:
        self._busy = False
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = count()

    @asynccontextmanager
    async def turn(self, order: float) -> AsyncIterator[None]:
        """Wait for a turn and hold it; a smaller `order` (say, the time a voice was sent) goes first."""
        while self._busy:
            mine = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (order, next(self._arrivals), mine))
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self._wake()  # it was our turn: pass it on
                raise
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
            self._wake()

    def _wake(self) -> None:
        while self._waiting:
            _, _, waiter = heapq.heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(None)
                return
