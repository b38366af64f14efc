"""Progress for people: a bar on a terminal, log lines otherwise, edits in a chat."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from rich.console import Console
from rich.progress import Progress

from transcriber.errors import RetryLater, TranscriberError
from transcriber.tasks import end
from transcriber.texts import Words

log = logging.getLogger(__name__)

_LOG_STEP = 0.1  # one line for each tenth of a download


@contextmanager
def loading_progress(model: str, say: Words) -> Iterator[Callable[[float], None]]:
    """Gives a function that takes the fraction 0 … 1 of a model's download."""
    title = say("model_progress", model=model)
    if sys.stderr.isatty():
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(title, total=1.0)
            yield lambda fraction: progress.update(task, completed=fraction)
    else:
        yield _LogLines(title)


class _LogLines:
    def __init__(self, title: str) -> None:
        self._title = title
        self._next = 0.0

    def __call__(self, fraction: float) -> None:
        if fraction >= self._next:
            log.info("%s: %d %%", self._title, fraction * 100)
            self._next = fraction + _LOG_STEP


EDIT_PAUSE_S = 3.0  # edits more often than that bring FloodWaits


@asynccontextmanager
async def chat_progress(tell: Callable[[float], Awaitable[None]]) -> AsyncIterator[Callable[[float], None]]:
    """Gives a function that takes the fraction 0 … 1; `tell` writes the newest one into the chat now and then.

    What `tell` raises (RetryLater, Lost …) only puts the next one off; after the block nothing is told any more.
    """
    news = _News()
    telling = asyncio.create_task(_tell_news(news, tell))
    try:
        yield news.put
    finally:
        await end(telling)


class _News:
    """The newest fraction; older ones are of no interest."""

    def __init__(self) -> None:
        self._fraction = 0.0
        self._is_new = asyncio.Event()

    def put(self, fraction: float) -> None:
        self._fraction = fraction
        self._is_new.set()

    async def get(self) -> float:
        await self._is_new.wait()
        self._is_new.clear()
        return self._fraction


async def _tell_news(news: _News, tell: Callable[[float], Awaitable[None]]) -> None:
    while True:
        pause_s = EDIT_PAUSE_S
        try:
            await tell(await news.get())
        except RetryLater as error:
            pause_s = max(pause_s, error.after_s or 0.0)
        except TranscriberError as error:
            log.debug("progress: %s", error)
        await asyncio.sleep(pause_s)
