"""How every part is, why, and since when: the facts behind /status and the health check."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from transcriber.backlog import backlog
from transcriber.pulse import Pulse
from transcriber.redis_client import RedisTrouble, reply_of
from transcriber.state import State

log = logging.getLogger(__name__)

_CHECK_S = 5.0
_REDIS_TIMEOUT_S = 2.0
_DISK_LOW_BYTES = 50 * 1024**2
HEARTBEAT = "vt:heartbeat"
_HEARTBEAT_TTL_S = 30


class Level(StrEnum):
    """How a part is."""

    OK = "OK"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"


@dataclass(slots=True)
class Part:
    """One part's state; `since` is the Unix time of its last change."""

    level: Level = Level.OK
    reason: str = ""
    since: float = field(default_factory=time.time)
    on_change: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)

    def set(self, level: Level, reason: str = "") -> bool:
        """Change the state; True when the level is new."""
        changed = level != self.level
        if changed:
            self.since = time.time()
        self.level, self.reason = level, reason
        if changed:
            self.on_change()
        return changed

    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"level": str(self.level), "reason": self.reason, "since": self.since}


class Health:
    """Watches Redis and the disk; the supervisor and the pipeline report the rest."""

    def __init__(
        self,
        state: State,
        folder: Path,
        on_redis_back: Callable[[], None],
        pulse: Pulse | None = None,
        on_beat: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._state = state
        self._pulse = pulse or Pulse()
        self._on_beat = on_beat
        self._busy_since = 0.0
        self._folder = folder
        self._on_redis_back = on_redis_back
        self.started = time.time()
        self.telegram = Part(Level.DOWN, "…")
        self.redis = Part()
        self.disk = Part()
        self.model = Part()
        self._process = psutil.Process(os.getpid())

    @property
    def parts(self) -> dict[str, Part]:
        """Every part by its name."""
        return {"Telegram": self.telegram, "Redis": self.redis, "Whisper": self.model, "Disk": self.disk}

    def memory_mb(self) -> int:
        """Resident memory of this process."""
        return int(self._process.memory_info().rss // 1024**2)

    async def beat(self) -> dict[str, Any]:
        """What the heartbeat says: every part, the queue, and since when its head has not moved though it could."""
        waiting, oldest = await backlog(self._state)
        now = time.time()
        self._busy_since = (self._busy_since or now) if waiting else 0.0
        possible_since = max(self._busy_since, self.telegram.since, self.redis.since)
        return {
            "at": now,
            "parts": {name: part.facts() for name, part in self.parts.items()},
            "waiting": waiting,
            "head_age_s": max(0.0, now - oldest) if waiting else 0.0,
            "moved_at": max(self._pulse.moved_at, self._pulse.resting_until, possible_since),
        }

    async def _beat(self) -> None:
        await self._state.redis.set(HEARTBEAT, json.dumps(await self.beat()), ex=_HEARTBEAT_TTL_S)
        if self._on_beat is not None:
            await self._on_beat()

    async def watch(self) -> None:
        """Check every few seconds until cancelled."""
        while True:
            await self.check()
            await asyncio.sleep(_CHECK_S)

    async def check(self) -> None:
        """Look at Redis (by writing to it) and at the disk."""
        was_down = self.redis.level is not Level.OK
        reason = await _trouble(self._beat)
        if self.redis.set(Level.DEGRADED if reason else Level.OK, reason):
            log.warning("Redis: %s", reason) if reason else log.info("Redis: OK")
        if was_down and not reason:
            self._on_redis_back()
        free_bytes = shutil.disk_usage(self._folder).free
        low = free_bytes < _DISK_LOW_BYTES
        self.disk.set(Level.DEGRADED if low else Level.OK, f"{free_bytes // 1024**2} MB free" if low else "")


async def fall_silent(state: State) -> None:
    """The program stops: no heartbeat shall outlive it."""
    with contextlib.suppress(RedisTrouble):
        await reply_of(state.redis.delete(HEARTBEAT))


async def _trouble(operation: Callable[[], Awaitable[object]]) -> str:
    """Why a Redis operation does not work, or an empty text."""
    try:
        async with asyncio.timeout(_REDIS_TIMEOUT_S):
            await operation()
    except TimeoutError:
        return "no answer"
    except (RedisTrouble, OSError) as error:
        return str(error) or type(error).__name__
    return ""
