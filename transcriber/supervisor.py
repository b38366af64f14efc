"""One session after another: what to log, how long to pause, when to stop trying."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from transcriber.errors import ActionNeeded, RetryLater, TranscriberError
from transcriber.health import Level, Part
from transcriber.redis_client import RedisTrouble
from transcriber.state import State
from transcriber.tasks import pause
from transcriber.telegram import Listener
from transcriber.texts import Words

log = logging.getLogger(__name__)

PAUSES_S = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)


class Session(Protocol):
    """One session from connecting to its end; see `Telegram.hold`."""

    async def hold(
        self, listener: Listener, closing: asyncio.Event, on_start: Callable[[], Awaitable[None]]
    ) -> None: ...


def pause_after(failures: int, pauses_s: Sequence[float] = PAUSES_S) -> float:
    """The pause after this many failures in a row (the first is 0); the last one repeats."""
    return pauses_s[min(failures, len(pauses_s) - 1)]


class Supervisor:
    """Keeps the account connected until `closing` is set. The only place that decides to connect."""

    def __init__(
        self,
        session: Session,
        state: State,
        say: Words,
        part: Part,
        *,
        pauses_s: Sequence[float] = PAUSES_S,
        before_connecting: Callable[[], Awaitable[None]],
        on_start: Callable[[], Awaitable[None]],
    ) -> None:
        self._session = session
        self._state = state
        self._say = say
        self._part = part
        self._pauses_s = pauses_s
        self._before_connecting = before_connecting
        self._on_start = on_start
        self._failures = 0
        self._started = False
        self._flood_until = 0.0  # Unix time

    async def run(self, listener: Listener, closing: asyncio.Event) -> None:
        """Connect again and again. Raises ActionNeeded when only a person can help, or Occupied."""
        while not closing.is_set():
            await self._wait_out_flood(closing)
            if closing.is_set():
                break
            await self._before_connecting()
            log.info(self._say("connecting"))
            self._started = False
            try:
                await self._session.hold(listener, closing, self._on_session)
            except ActionNeeded as error:
                self._part.set(Level.DOWN, self._say.error(error))
                raise
            except Exception as error:
                await self._after(error, closing)
        log.info(self._say("signed_off"))

    async def _on_session(self) -> None:
        log.info(self._say("connected"))
        log.info(self._say("running"))
        self._started = True
        self._failures = 0
        self._part.set(Level.OK)
        await self._on_start()

    async def _after(self, error: Exception, closing: asyncio.Event) -> None:
        """Say what happened and pause."""
        if closing.is_set():
            return
        if self._started:
            log.warning(self._say("disconnected"))
        if isinstance(error, TranscriberError):
            reason = self._say.error(error)
        else:
            reason = self._say("unexpected_error", error=f"{type(error).__name__}: {error}")
        self._part.set(Level.DOWN, reason)
        if isinstance(error, RetryLater) and error.after_s:
            await self._remember_flood(error.after_s)
            return
        log.log(logging.WARNING if isinstance(error, TranscriberError) else logging.ERROR, "%s", reason)
        log.debug("the session ended", exc_info=error)
        pause_s = pause_after(self._failures, self._pauses_s)
        self._failures += 1
        log.info(self._say("reconnecting_in", seconds=f"{pause_s:g}"))
        await pause(pause_s, closing)

    async def _remember_flood(self, wait_s: float) -> None:
        self._flood_until = time.time() + wait_s
        with contextlib.suppress(RedisTrouble):  # this run remembers it anyway
            await self._state.set_flood_until(self._flood_until)

    async def _wait_out_flood(self, closing: asyncio.Event) -> None:
        """Wait what Telegram asked, also the rest of what an earlier run was asked."""
        with contextlib.suppress(RedisTrouble):
            self._flood_until = max(self._flood_until, await self._state.flood_until())
        wait_s = self._flood_until - time.time()
        if wait_s > 0:
            log.warning(self._say("flood_wait", seconds=round(wait_s)))
            await pause(wait_s, closing)
