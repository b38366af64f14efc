"""How a result becomes messages: each part sent exactly once, and the 👀 that shows that a voice is in work."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from functools import partial
from typing import Protocol

from transcriber import parts, rounds
from transcriber.errors import Gone, Refused, TranscriberError
from transcriber.parts import Part
from transcriber.redis_client import patiently
from transcriber.state import State
from transcriber.texts import Words
from transcriber.voice import Transcript, Voice

SEEN = "👀"
LATE_AFTER_S = 15 * 60.0  # an answer this long after the voice says which moment it belongs to
_REACTION_PATIENCE_S = 3.0


class Outlet(Protocol):
    """Where answers go. All but `react` raise RetryLater, Refused or Lost; `send` returns the message's id, or 0."""

    async def exists(self, chat_id: int, message_id: int) -> bool: ...
    async def text(self, chat_id: int, message_id: int) -> str: ...
    async def send(self, chat_id: int, part: Part, *, reply_to: int, random_id: int) -> int: ...
    async def revise(self, chat_id: int, message_id: int, part: Part) -> None: ...
    async def react(self, chat_id: int, message_id: int, emoji: str) -> None: ...


class Answer:
    """Replies to voices, or raises Gone when they were deleted. `marks` is what `State.marks` says about the voice."""

    def __init__(self, outlet: Outlet, state: State, say: Words) -> None:
        self._outlet = outlet
        self._state = state
        self._say = say
        self._reactions: dict[str, asyncio.Task[None]] = {}

    async def with_text(self, voice: Voice, transcript: Transcript, marks: dict[str, str]) -> None:
        """Reply with the transcript, or with "no speech" when it is empty."""
        await self._send(voice, self._messages(voice, transcript, before=self._lateness(voice)), marks)

    async def improve(self, voice: Voice, old: Transcript, new: Transcript, message_id: int) -> bool:
        """Edit the message that says `old`. Not if it is late or one of several, or the owner has changed it."""
        shown, better = self._messages(voice, old), self._messages(voice, new)
        if len(shown) > 1 or len(better) > 1:
            return False
        if await self._outlet.text(voice.chat_id, message_id) != shown[0].text:
            return False
        return await self._revised(voice, message_id, better[0])

    def _messages(self, voice: Voice, transcript: Transcript, before: str = "") -> list[Part]:
        after = ""
        if transcript.cut_short:
            after = self._say("cut_short", heard_s=round(transcript.duration_s), announced_s=round(voice.duration_s))
        text = transcript.text or self._say("no_speech")
        if transcript.text and transcript.is_unsure:
            text = self._say("unsure", text=text)
        return parts.compose(text, before=before, after=after)

    async def with_reason(self, voice: Voice, reason: str, marks: dict[str, str]) -> None:
        """Reply with the reason why there is no transcript; a text of an earlier round says more, and stays."""
        if rounds.has_text(marks):
            return
        await self._send(voice, parts.compose(reason, before=self._lateness(voice)), marks)

    def reason(self, error: TranscriberError) -> str:
        """The reason as the sender reads it."""
        return self._say.error(error)

    def working_on(self, voice: Voice) -> None:
        """Show 👀 on the voice, in the background; a reaction never holds up the work."""
        if voice.key not in self._reactions:
            reaction = self._outlet.react(voice.chat_id, voice.message_id, SEEN)
            self._reactions[voice.key] = asyncio.create_task(reaction)

    async def finished(self, voice: Voice) -> None:
        """Take the 👀 back; also one that an earlier run of the program left."""
        shown = self._reactions.pop(voice.key, None)
        if shown is not None:
            await asyncio.wait({shown}, timeout=_REACTION_PATIENCE_S)
            shown.cancel()
        try:
            async with asyncio.timeout(_REACTION_PATIENCE_S):
                await self._outlet.react(voice.chat_id, voice.message_id, "")
        except TimeoutError:
            return  # best effort: the answer is there

    async def _send(self, voice: Voice, messages: list[Part], marks: dict[str, str]) -> None:
        if rounds.delivered(marks, 0) not in marks and not await self._outlet.exists(voice.chat_id, voice.message_id):
            raise Gone("message_gone")
        for index, part in enumerate(messages):
            mark = rounds.delivered(marks, index)
            if mark not in marks:
                message_id = await self._deliver(voice, part, index, marks)
                await patiently(partial(self._state.mark, voice.key, mark, str(message_id)))
        index = len(messages)
        while message_id := rounds.earlier(marks, index):  # the answer has become shorter
            await self._revised(voice, message_id, Part(self._say("part_gone")))
            index += 1

    async def _deliver(self, voice: Voice, part: Part, index: int, marks: dict[str, str]) -> int:
        """The id of the message that holds `part`: that of the round before, edited, or else a new one."""
        message_id = rounds.earlier(marks, index)
        if message_id and await self._revised(voice, message_id, part):
            return message_id
        random_id = parts.random_id(voice.key, rounds.number(marks), index)
        return await self._outlet.send(voice.chat_id, part, reply_to=voice.message_id, random_id=random_id)

    async def _revised(self, voice: Voice, message_id: int, part: Part) -> bool:
        """Whether our message could be edited: not when it was deleted, or is too old (48 h) for Telegram."""
        try:
            await self._outlet.revise(voice.chat_id, message_id, part)
        except Refused:
            return False
        return True

    def _lateness(self, voice: Voice) -> str:
        if time.time() - voice.sent_at < LATE_AFTER_S:
            return ""
        return self._say("late", sent=datetime.fromtimestamp(voice.sent_at).astimezone().strftime("%d.%m %H:%M"))
