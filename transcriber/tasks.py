"""Ending tasks for certain, keeping alive those that nobody waits for, and pauses that can be ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

_AGAIN_S = 0.1
T = TypeVar("T")


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they are over, whatever they raise.

    Again and again: `asyncio.wait_for`, which kurigram and redis-py use, swallows a cancellation on Python 3.11 when
    what it waits for happens at the same moment (python/cpython#86296).
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_AGAIN_S)


async def pause(pause_s: float, ended: asyncio.Event) -> None:
    """Wait so long, or until the event is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(pause_s):
            await ended.wait()


async def unless(ended: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What `work` returns, or None when the event is set first: then it is cancelled."""
    working, ending = asyncio.ensure_future(work), asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        await end(working, ending)


class Background:
    """Tasks that nobody waits for; their surprises are logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, work: Coroutine[Any, Any, None]) -> None:
        """Start `work`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s: %s", type(error).__name__, error, exc_info=error)

    async def end(self) -> None:
        """End them all."""
        await end(*self._tasks)
