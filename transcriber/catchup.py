"""What was missed: reads the history of the chats concerned, from where the last completed scan ended.

Telegram forgets to deliver updates (docs/telegram.md, facts 1 and 2), so live updates are only the fast way in.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from transcriber.errors import Lost, Refused, RetryLater
from transcriber.redis_client import RedisTrouble
from transcriber.state import State
from transcriber.voice import Voice

log = logging.getLogger(__name__)

PAGE_PAUSE_S = 2.0  # 30 history calls a minute stay well under what brings a FloodWait
_EAGER_CALLS = 10  # the first calls of a scan come without a pause: most scans end there
_RETRY_S = 10.0


class Archive(Protocol):
    """Chat histories, as in `Chat.history`. Raises Refused, RetryLater, Lost."""

    def history(self, chat_id: int, *, after_id: int, since: float) -> AsyncIterator[tuple[int, list[Voice]]]: ...


class CatchUp:
    """Feeds what the history holds into `offer`, each chat oldest first; `before` mends what needs no Telegram."""

    def __init__(
        self,
        archive: Archive,
        state: State,
        offer: Callable[[Voice], Awaitable[bool]],
        *,
        before: Callable[[], Awaitable[None]],
        max_age_s: float,
        interval_s: float,
        page_pause_s: float = PAGE_PAUSE_S,
    ) -> None:
        self._archive = archive
        self._state = state
        self._offer = offer
        self._before = before
        self._max_age_s = max_age_s
        self._interval_s = interval_s
        self._page_pause_s = page_pause_s
        self._started = time.time()
        self._due = asyncio.Event()
        self._calls = 0
        self.last_scan: float | None = None  # Unix time at which the last complete look ended

    def ask(self) -> None:
        """Look through the chats soon: after a reconnect, a gap in the updates, or when Redis is back."""
        self._due.set()

    async def run(self) -> None:
        """Look whenever asked, and every `interval_s` anyway, until cancelled."""
        while True:
            await self._wait_until_due(self._interval_s)
            try:
                await self.scan()
            except (RetryLater, RedisTrouble) as error:
                log.debug("catch-up will go on: %r", error)
                await asyncio.sleep(getattr(error, "after_s", None) or _RETRY_S)
                self.ask()
            except Lost as error:  # a new session asks for a look
                log.debug("catch-up will go on: %r", error)
                await self._wait_until_due(_RETRY_S)
                self.ask()

    async def _wait_until_due(self, at_most_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._due.wait()
        self._due.clear()

    async def scan(self) -> int:
        """One look through every chat concerned; how many voices were taken. Raises Lost, RetryLater, RedisTrouble."""
        await self._before()
        chats = {*await self._state.tracked(), *await self._state.chats()}
        self._calls = 0
        taken = 0
        for chat_id in sorted(chats):
            try:
                taken += await self._scan_chat(chat_id)
            except Refused as error:  # somebody never met, or a chat that was left: nothing to read there
                log.debug("no history of %s: %s", chat_id, error)
            await self._breathe()
        self.last_scan = time.time()
        return taken

    async def _scan_chat(self, chat_id: int) -> int:
        taken = 0
        oldest = time.time() - self._max_age_s if self._max_age_s else self._started
        cursor = await self._state.cursor(chat_id)
        scanned_to = cursor
        async for page_end, voices in self._archive.history(chat_id, after_id=cursor, since=oldest):
            scanned_to = page_end
            for voice in voices:
                taken += await self._offer(voice)
            await self._breathe()
        if scanned_to > cursor:
            await self._state.move_cursor(chat_id, scanned_to)
        return taken

    async def _breathe(self) -> None:
        """A pause after each call, an empty answer's too: many quiet chats are as many calls."""
        self._calls += 1
        if self._calls > _EAGER_CALLS:
            await asyncio.sleep(self._page_pause_s)
