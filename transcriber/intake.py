"""May this voice message enter? Live updates and catch-up ask the same question here."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from transcriber.redis_client import RedisTrouble
from transcriber.state import State
from transcriber.voice import Voice

log = logging.getLogger(__name__)


class Intake:
    """Accepts the voices of tracked people, each once. `enqueue` is the queue's end of it."""

    def __init__(self, state: State, enqueue: Callable[[Voice], Awaitable[None]], missed: Callable[[], None]) -> None:
        self._state = state
        self._enqueue = enqueue
        self._missed = missed
        self._tracked: frozenset[int] = frozenset()
        self._seen_chats: set[int] = set()
        self._postponed: dict[str, Voice] = {}

    async def reload(self) -> None:
        """Read the tracked people again: at the start and after each change."""
        self._tracked = frozenset(await self._state.tracked())

    def is_tracked(self, user_id: int) -> bool:
        """Whether this person's voices are transcribed."""
        return user_id in self._tracked

    async def offer(self, voice: Voice) -> bool:
        """Accept the voice if it may enter; True when it was put on the books. Raises RedisTrouble."""
        if not self.is_tracked(voice.sender_id):
            return False
        if voice.chat_id not in self._seen_chats:
            await self._state.saw_chat(voice.chat_id)
            self._seen_chats.add(voice.chat_id)
        if not await self._state.accept(voice):
            return False
        await self._enqueue(voice)
        return True

    async def on_voice(self, voice: Voice) -> None:
        """A live update. Without Redis it is kept here, and left to catch-up, which would read it from the history."""
        try:
            await self.offer(voice)
        except RedisTrouble as error:
            log.debug("voice left to catch-up: %r", error)
            self._postponed[voice.key] = voice  # catch-up does not know yet that this chat is to be looked through
            self._missed()

    async def resume(self) -> None:
        """Offer again what came while Redis was away. Raises RedisTrouble."""
        for key, voice in list(self._postponed.items()):
            await self.offer(voice)
            del self._postponed[key]
