"""Everything that /status, the status page and the metrics tell, gathered once as plain values."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from transcriber import tally
from transcriber.health import Health
from transcriber.journal import Journal
from transcriber.recall import finite, recall
from transcriber.redis_client import RedisTrouble, reply_of
from transcriber.state import State
from transcriber.voice import label


class Queue(Protocol):
    """The pipeline as far as anybody is told about it. `waiting` raises RedisTrouble."""

    @property
    def last_error(self) -> str: ...

    async def waiting(self) -> tuple[int, float]: ...


class Engine(Protocol):
    """The model in use, how it computes, and whether it is put away for lack of work."""

    @property
    def model(self) -> str: ...
    @property
    def arithmetic(self) -> str: ...
    @property
    def is_away(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """One look. `stored` is None while Redis does not answer: that is when the rest is needed most."""

    at: float
    started_at: float
    parts: dict[str, dict[str, Any]]  # name -> level, reason, since
    model: str
    model_is_away: bool
    arithmetic: str
    threads: int
    reconnects: int
    flood_wait_s: float
    memory_mb: int
    last_error: str
    stored: Stored | None

    def plain(self) -> dict[str, Any]:
        """The same as dicts and lists, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Stored:
    """What Redis knows."""

    waiting: int
    head_age_s: float
    given_up: int
    outcomes: dict[str, int]
    last_at: float | None  # Unix time of the last outcome
    totals: tally.Counts = field(default_factory=dict)
    hours: list[tally.Counts] = field(default_factory=list)  # the last day, oldest first
    errors: list[dict[str, Any]] = field(default_factory=list)  # newest first: at, where, what


class Observer:
    """Gathers the facts."""

    def __init__(
        self,
        health: Health,
        state: State,
        queue: Queue,
        engine: Engine,
        journal: Journal,
        *,
        threads: int,
        reconnects: Callable[[], int],
        flood_wait_s: Callable[[], float],
    ) -> None:
        self._health = health
        self._state = state
        self._queue = queue
        self._engine = engine
        self._journal = journal
        self._threads = threads
        self._reconnects = reconnects
        self._flood_wait_s = flood_wait_s

    async def facts(self) -> Facts:
        """All of them, now. Never raises because Redis is away."""
        try:
            stored = await self._stored()
        except RedisTrouble:
            stored = None  # the part called Redis says why
        return Facts(
            at=time.time(),
            started_at=self._health.started,
            parts={name: part.facts() for name, part in self._health.parts.items()},
            model=label(self._engine.model),
            model_is_away=self._engine.is_away,
            arithmetic=self._engine.arithmetic,
            threads=self._threads,
            reconnects=self._reconnects(),
            flood_wait_s=self._flood_wait_s(),
            memory_mb=self._health.memory_mb(),
            last_error=self._queue.last_error,
            stored=stored,
        )

    async def _stored(self) -> Stored:
        waiting, head_age_s = await self._queue.waiting()
        totals, hours = await self._journal.counts(time.time())
        async with self._state.redis.pipeline(transaction=False) as pipeline:
            pipeline.hgetall("vt:counters")
            pipeline.hget("vt:last", "at")
            pipeline.hlen("vt:given_up")
            outcomes, last_at, given_up = await reply_of(pipeline.execute())
        return Stored(
            waiting=waiting,
            head_age_s=head_age_s,
            given_up=given_up,
            outcomes={name: int(count) for name, count in tally.numbers(outcomes).items()},
            last_at=recall(finite, last_at),
            totals=totals,
            hours=hours,
            errors=await self._journal.read(),
        )
