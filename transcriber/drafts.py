"""Answers that a stronger model shall hear again: a short list in Redis, and what counts as a better text."""

from __future__ import annotations

import time
from difflib import SequenceMatcher

import regex

from transcriber.recall import voices
from transcriber.redis_client import reply_of
from transcriber.state import State
from transcriber.voice import Transcript, Voice

_KEY = "vt:drafts"
MOST = 50  # the oldest makes way: what nobody waits for any more must not keep a small machine busy for days
MAX_AGE_S = 6 * 3600.0
# Share of the words. Two models differ by a letter here and a comma there; an edit must be worth looking at again.
_REALLY_DIFFERENT = 0.05


class Drafts:
    """The voices whose text comes from a model other than `model` (empty: none). Methods may raise RedisTrouble."""

    def __init__(self, state: State, model: str) -> None:
        self._redis = state.redis
        self.model = model

    async def add(self, voice: Voice, transcript: Transcript) -> None:
        """Note an answer that was just given."""
        if not self.model or not transcript.text or transcript.model == self.model:
            return
        await reply_of(self._redis.hset(_KEY, voice.key, voice.to_json()))
        await reply_of(self._redis.expire(_KEY, int(MAX_AGE_S)))
        if await reply_of(self._redis.hlen(_KEY)) > MOST:
            await self.drop((await self._all())[-1])

    async def newest(self) -> Voice | None:
        """The one to take next: the latest, which people are most likely still to read."""
        voices = await self._all()
        for voice in voices:
            if time.time() - voice.sent_at < MAX_AGE_S:
                return voice
            await self.drop(voice)
        return None

    async def drop(self, voice: Voice) -> None:
        """Take one off the list."""
        await reply_of(self._redis.hdel(_KEY, voice.key))

    async def forget(self, sender_id: int | None) -> None:
        """Take off all of a person, or (None) of everybody."""
        for voice in await self._all():
            if sender_id in (None, voice.sender_id):
                await self.drop(voice)

    async def _all(self) -> list[Voice]:
        """Newest first."""
        found = voices(await reply_of(self._redis.hgetall(_KEY)))
        return sorted(found.values(), key=lambda voice: -voice.sent_at)


def is_really_different(old: str, new: str) -> bool:
    """Whether `new` says something else: other words, not only other letters' case, marks or a word in twenty."""
    return 1 - SequenceMatcher(None, _words(old), _words(new), autojunk=False).ratio() > _REALLY_DIFFERENT


def _words(text: str) -> list[str]:
    return regex.findall(r"[\p{L}\p{M}\p{N}]+", text.casefold().replace("ё", "е"))
