"""/forget and /privacy: what is kept of people's voices, and how it is erased."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from transcriber.drafts import Drafts
from transcriber.recall import recall
from transcriber.redis_client import RedisTrouble, reply_of
from transcriber.state import MARK_TTL_S, State
from transcriber.status import span
from transcriber.texts import Words
from transcriber.tongues import ALL

_BATCH = 500
EVERYBODY = ("all", "все", "всё")


@dataclass(frozen=True)
class Places:
    """Where things are kept, as /privacy names them; no secret in any of it."""

    incoming: Path
    session_file: Path
    redis: str  # a folder or an address, without the password
    status_port: str  # where the status page is, empty when it is off


@dataclass(frozen=True)
class Erased:
    """What /forget has done; `waiting` voices are not answered yet and leave nothing behind when they are."""

    voices: int
    waiting: int


class Privacy:
    """Knows every place where something of a voice is kept."""

    def __init__(self, state: State, places: Places, say: Words) -> None:
        self._state = state
        self._places = places
        self._say = say

    def text(self, model: str) -> str:
        """What this instance keeps, from its real settings."""
        ttl_s = self._state.transcript_ttl_s
        kept = self._say("privacy_for", span=span(ttl_s, self._say)) if ttl_s else self._say("privacy_not_kept")
        port = self._places.status_port
        return self._say(
            "privacy",
            transcripts=kept,
            marks=span(max(MARK_TTL_S, ttl_s), self._say),
            incoming=self._places.incoming,
            redis=self._places.redis,
            session=self._places.session_file,
            model=model,
            page=self._say("privacy_page", address=port) if port else self._say("privacy_no_page"),
        )

    async def forget(self, sender_id: int | None) -> Erased:
        """Erase what is kept of a person's voices, or (None) of everybody's. Raises RedisTrouble.

        The marks that a voice was answered stay, without any text, so that nothing is answered twice.
        """
        waiting = {voice.key for voice in await self._state.accepted() if sender_id in (None, voice.sender_id)}
        for key in waiting:
            await self._state.mark(key, "forget")
        given_up = await self._given_up(sender_id)
        await self._forget_ways(sender_id)
        await Drafts(self._state, "").forget(sender_id)
        answered = await self._answered(sender_id) - waiting
        for key in given_up | answered:
            self._erase_audio(key)
        await self._rewrite()
        return Erased(len(answered | given_up), len(waiting))

    async def _forget_ways(self, sender_id: int | None) -> None:
        """What was set and learned for one: languages, and the words of their private chat; what is for all stays."""
        redis = self._state.redis
        for key in ("vt:spoken", "vt:lang", "vt:words"):
            whose = [str(sender_id)] if sender_id is not None else await reply_of(redis.hkeys(key))
            if mine := [who for who in whose if who != ALL]:
                await reply_of(redis.hdel(key, *mine))

    async def _given_up(self, sender_id: int | None) -> set[str]:
        voices = await self._state.given_up()
        keys = {key for key, voice in voices.items() if sender_id in (None, voice.sender_id)}
        if keys:
            await reply_of(self._state.redis.hdel("vt:given_up", *keys))
        return keys

    async def _answered(self, sender_id: int | None) -> set[str]:
        """Erase the texts of answered voices; their keys. A batch at a time: Redis stays responsive."""
        found: set[str] = set()
        cursor = 0
        while True:
            cursor, names = await reply_of(self._state.redis.scan(cursor, match="vt:voice:*", count=_BATCH))
            keys = [name.removeprefix("vt:voice:") for name in names]
            found |= await self._erase(keys, sender_id)
            if not cursor:
                return found

    async def _erase(self, keys: list[str], sender_id: int | None) -> set[str]:
        async with self._state.redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hmget(f"vt:voice:{key}", "outcome", "sender", "heard")
            marks = await reply_of(pipeline.execute()) if keys else []
        erased = {
            key: (heard or "").split()
            for key, (outcome, sender, heard) in zip(keys, marks, strict=True)
            if outcome and sender and sender_id in (None, recall(int, sender))
        }
        async with self._state.redis.pipeline(transaction=True) as pipeline:
            for key, heard in erased.items():
                pipeline.delete(f"vt:transcript:{key}", *(f"vt:heard:{name}" for name in heard))
                pipeline.hdel(f"vt:voice:{key}", "verdict", "sender", "heard")
            if erased:
                await reply_of(pipeline.execute())
        return set(erased)

    def _erase_audio(self, key: str) -> None:
        name = key.replace(":", "_").replace("/", "_")  # the key comes from Redis
        for suffix in (".media", ".part"):
            (self._places.incoming / f"{name}{suffix}").unlink(missing_ok=True)

    async def _rewrite(self) -> None:
        """Redis' file still holds what was erased until it is rewritten: now, if this Redis lets us."""
        with contextlib.suppress(RedisTrouble):
            await reply_of(self._state.redis.bgrewriteaof())
