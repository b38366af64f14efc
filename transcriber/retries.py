"""/retry: takes up again what was given up, or one voice the owner points at, which then is decoded thoroughly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from transcriber.state import State
from transcriber.voice import Voice


class Reader(Protocol):
    """Reads one message as a Voice, or as an answer to one. Raises Refused, RetryLater, Lost."""

    async def voice(self, chat_id: int, message_id: int) -> Voice | None: ...


class Retries:
    """Reopens voices: their answers are edited into the new ones, or posted anew where there are none."""

    def __init__(self, reader: Reader, state: State, enqueue: Callable[[Voice], Awaitable[None]]) -> None:
        self._reader = reader
        self._state = state
        self._enqueue = enqueue

    async def again(self, chat_id: int, message_id: int) -> int:
        """Retry the voice (all that were given up when `message_id` is 0); how many were taken up."""
        if message_id:
            voice = await self._reader.voice(chat_id, message_id)
            voices = [voice] if voice else []
        else:
            voices = [*(await self._state.given_up()).values()]
        taken = 0
        for voice in voices:
            if await self._state.pending(voice.key) is None:  # one that is in work already needs no second run
                await self._state.reopen(voice, thorough=bool(message_id))
                await self._enqueue(voice)
                taken += 1
        return taken
