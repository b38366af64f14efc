"""/status: one look tells how every part is, and why it is silent."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from transcriber.health import Health, Level
from transcriber.state import RedisTrouble, State
from transcriber.texts import Words
from transcriber.voice import label

_ICON = {Level.OK: "🟢", Level.DEGRADED: "🟡", Level.DOWN: "🔴"}


class Queue(Protocol):
    """The pipeline as far as /status tells about it. `waiting` raises RedisTrouble."""

    last_error: str

    async def waiting(self) -> tuple[int, float]: ...


class Engine(Protocol):
    """The loaded model."""

    @property
    def model(self) -> str: ...


class Status:
    """Gathers the facts. Works without Redis: that is when it is needed most."""

    def __init__(
        self,
        health: Health,
        state: State,
        queue: Queue,
        engine: Engine,
        say: Words,
        *,
        threads: int,
        reconnects: Callable[[], int],
    ) -> None:
        self._health = health
        self._state = state
        self._queue = queue
        self._engine = engine
        self._say = say
        self._threads = threads
        self._reconnects = reconnects

    async def text(self) -> str:
        """The answer to /status."""
        lines = [self._part(name) for name in self._health.parts]
        lines += [self._say("status_model", model=label(self._engine.model), threads=self._threads)]
        lines += await self._or_unknown(self._queue_line)
        lines += await self._or_unknown(self._voices_line)
        if self._queue.last_error:
            lines.append(self._say("status_last_error", error=self._queue.last_error))
        lines.append(self._process_line())
        return "\n".join(lines)

    def _process_line(self) -> str:
        uptime, memory_mb = self._ago(self._health.started), self._health.memory_mb()
        return self._say("status_process", uptime=uptime, reconnects=self._reconnects(), mb=memory_mb)

    def _part(self, name: str) -> str:
        part = self._health.parts[name]
        line = f"{_ICON[part.level]} {name}: {part.level} ({self._ago(part.since)})"
        return f"{line}. {part.reason}" if part.reason else line

    async def _queue_line(self) -> str:
        count, age_s = await self._queue.waiting()
        return self._say("status_queue", count=count, age=self._span(age_s)) if count else self._say("status_idle")

    async def _voices_line(self) -> str:
        summary = await self._state.summary()
        done = sum(summary["counters"].values())
        last = summary["last"].get("at")
        when = self._say("status_ago", span=self._ago(float(last))) if last else "—"
        return self._say("status_voices", done=done, last=when, given_up=summary["given_up"])

    async def _or_unknown(self, line: Callable[[], Awaitable[str]]) -> list[str]:
        try:
            return [await line()]
        except RedisTrouble:
            return []  # the line about Redis says why

    def _ago(self, since: float) -> str:
        return self._span(time.time() - since)

    def _span(self, seconds: float) -> str:
        for size, key in ((86_400, "span_days"), (3_600, "span_hours"), (60, "span_minutes")):
            if seconds >= size:
                return self._say(key, n=int(seconds // size))
        return self._say("span_seconds", n=max(0, int(seconds)))
