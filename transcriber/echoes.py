"""The same sound again, forwarded or uploaded twice: answered with the text there is, also while that is in work."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

from transcriber.redis_client import patiently
from transcriber.state import State
from transcriber.tongues import Order
from transcriber.voice import Transcript, Voice


class Echoes:
    """Finds the transcript of a sound that was heard before, in the same language, with the same words and model.

    A sound's name is Telegram's document id, or what `sound_of` says about its file. `model` is the one in use.
    """

    def __init__(self, state: State, model: Callable[[], str]) -> None:
        self._state = state
        self._model = model
        self._in_work: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def one_at_a_time(self, sound: str) -> AsyncIterator[None]:
        """Whoever comes second waits, and then finds what the first has left, or has to do it after all."""
        lock = self._in_work.setdefault(sound, asyncio.Lock())
        async with lock:
            yield

    async def find(self, sound: str, order: Order) -> Transcript | None:
        """What was heard in `sound` when decoded to the same order."""
        return await patiently(lambda: self._state.echo(_name(sound, order, self._model())))

    async def keep(self, voice: Voice, transcript: Transcript, order: Order, *sounds: str) -> None:
        """Keep the transcript of `voice`, to be found by `sounds` too; a thorough one also by who asks for less."""
        orders = {order, replace(order, thorough=False)}
        names = [_name(sound, served, transcript.model) for sound in sounds for served in orders]
        await patiently(lambda: self._state.keep_transcript(voice.key, transcript, names))


def document(voice: Voice) -> str:
    """The name of the sound that `voice` carries, known before it is downloaded: a forwarded one has the same."""
    return f"document {voice.file_id or voice.key}"


async def content(file: Path) -> str:
    """The name of the sound in `file`, by its bytes (0.8 s for a gigabyte, in a thread)."""

    def digest() -> str:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "blake2b").hexdigest()

    return f"content {await asyncio.to_thread(digest)}"


def _name(sound: str, order: Order, model: str) -> str:
    """A hash, because words and models come from people, and a Redis key must not."""
    what = json.dumps([sound, order.language, order.words, order.thorough, model])
    return hashlib.blake2b(what.encode(), digest_size=16).hexdigest()
