"""A few at a time, the oldest first: downloads overtake each other, answers should not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count


@dataclass(order=True)
class _Waiter:
    order: float
    arrival: int
    is_long: bool = field(compare=False)
    called: asyncio.Future[None] = field(compare=False)


class Turns:
    """`places` that go to the waiter with the smallest order, not to the one who came first; one is for long work."""

    def __init__(self, places: int = 1) -> None:
        self._free = places
        self._long_inside = False
        self._waiting: list[_Waiter] = []
        self._arrivals = count()

    @asynccontextmanager
    async def turn(self, order: float, *, is_long: bool = False) -> AsyncIterator[None]:
        """Wait for a place and hold it; a smaller `order` (say, the time a voice was sent) goes first.

        While something long is inside, other long work waits and leaves the remaining places to what is short.
        """
        mine = _Waiter(order, next(self._arrivals), is_long, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        self._call()
        try:
            await mine.called
            yield
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
            else:
                self._free += 1
                self._long_inside &= not is_long
                self._call()

    def _call(self) -> None:
        while self._free and (fitting := [each for each in self._waiting if not (each.is_long and self._long_inside)]):
            oldest = min(fitting)
            self._waiting.remove(oldest)
            self._free -= 1
            self._long_inside |= oldest.is_long
            if not oldest.called.done():  # else it is being cancelled, and gives its place back
                oldest.called.set_result(None)
