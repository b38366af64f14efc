"""The last errors and the counters, for the status page: short, bounded, and with nothing from a chat in them."""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from typing import Any

from transcriber import tally
from transcriber.errors import TranscriberError
from transcriber.health import Level, Part
from transcriber.recall import recall
from transcriber.redis_client import RedisTrouble, reply_of
from transcriber.state import State
from transcriber.texts import Words
from transcriber.voice import Transcript

_KEY = "vt:errors"
_KEPT = 20
_SHOWN_CHARS = 200


class Journal:
    """Errors are noted at once and written to Redis with the next heartbeat, or whenever Redis is there again."""

    def __init__(self, state: State, say: Words) -> None:
        self._state = state
        self._say = say
        self._unwritten: deque[str] = deque(maxlen=_KEPT)
        self._last = ("", "")

    def watch(self, name: str, part: Part) -> None:
        """Note whenever `part` is no longer well."""

        def changed() -> None:
            if part.level is Level.OK:
                self._last = ("", "")
            else:
                self._add(name, part.reason)

        part.on_change = changed

    def note(self, where: str, error: Exception) -> None:
        """Note an error of the part called `where`."""
        self._add(where, self._shown(error))

    async def write(self) -> None:
        """Bring what is new to Redis. Raises RedisTrouble."""
        if not self._unwritten:
            return
        lines = list(self._unwritten)
        async with self._state.redis.pipeline(transaction=True) as pipeline:
            pipeline.lpush(_KEY, *lines)
            pipeline.ltrim(_KEY, 0, _KEPT - 1)
            await reply_of(pipeline.execute())
        for _ in lines:
            self._unwritten.popleft()

    async def heard(self, transcript: Transcript) -> None:
        """Count a transcription; not worth a wait when Redis is away."""
        with contextlib.suppress(RedisTrouble):
            async with self._state.redis.pipeline(transaction=True) as pipeline:
                tally.add(pipeline, tally.of_speech(transcript), time.time())
                tally.add_speed(pipeline, transcript)
                await reply_of(pipeline.execute())

    async def counts(self, now: float) -> tuple[tally.Counts, list[tally.Counts]]:
        """The totals, and each hour of the last day, oldest first. Raises RedisTrouble."""
        async with self._state.redis.pipeline(transaction=False) as pipeline:
            for key in (tally.TOTALS, *tally.hour_keys(now)):
                pipeline.hgetall(key)
            totals, *hours = map(tally.numbers, await reply_of(pipeline.execute()))
        return totals, hours

    async def speeds(self) -> dict[str, float]:
        """Seconds of work per second of audio for each model that ever worked here. Raises RedisTrouble."""
        return tally.speeds(tally.numbers(await reply_of(self._state.redis.hgetall(tally.SPEED))))

    async def read(self) -> list[dict[str, Any]]:
        """The last errors, newest first: at, where, what. Raises RedisTrouble."""
        lines = [*reversed(self._unwritten), *await reply_of(self._state.redis.lrange(_KEY, 0, _KEPT - 1))]
        found = [recall(_entry, line) for line in lines[:_KEPT]]
        return [entry for entry in found if entry is not None]

    def _shown(self, error: Exception) -> str:
        """Our own sentence, the system's, or only the kind of a surprise: its text might quote a chat."""
        if isinstance(error, TranscriberError):
            return self._say.error(error)
        if isinstance(error, OSError) and error.strerror:
            return f"{type(error).__name__}: {error.strerror}"
        return type(error).__name__

    def _add(self, where: str, what: str) -> None:
        if (where, what) != self._last:  # a full disk says the same every few seconds
            self._last = (where, what)
            entry = {"at": time.time(), "where": where, "what": what[:_SHOWN_CHARS]}
            self._unwritten.append(json.dumps(entry, ensure_ascii=False))


def _entry(line: str) -> dict[str, Any]:
    """An error as it was noted. Raises ValueError, TypeError or KeyError for anything else."""
    entry = json.loads(line)
    return {"at": float(entry["at"]), "where": str(entry["where"]), "what": str(entry["what"])}
