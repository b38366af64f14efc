"""Long work in threads, from the side of the event loop: how it is awaited, how it reports, how it is told to end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from transcriber.errors import Interrupted

Progress = Callable[[float], None]  # takes the fraction 0 … 1
Check = Callable[[], None]  # raises Interrupted when the work shall end
T = TypeVar("T")


def until(*events: threading.Event | None) -> Check:
    """A check that raises Interrupted once any of `events` is set."""
    known = [event for event in events if event is not None]

    def check() -> None:
        if any(event.is_set() for event in known):
            raise Interrupted("interrupted")

    return check


def on_loop(on_progress: Progress | None) -> Progress:
    """The same callback for use in a thread; it runs on the event loop."""
    if on_progress is None:
        return lambda fraction: None
    loop = asyncio.get_running_loop()

    def tell(fraction: float) -> None:
        loop.call_soon_threadsafe(on_progress, fraction)

    return tell


async def in_thread(executor: ThreadPoolExecutor, work: Callable[[], T], given_up: threading.Event) -> T:
    """What `work` returns; `given_up` is set when nobody waits for that any more, so that it ends at its next check."""
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, work)
    except asyncio.CancelledError:
        given_up.set()
        raise
