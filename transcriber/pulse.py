"""Whether the work moves: the pipeline's helpers, each watched while it does its part."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from transcriber.errors import Gone, Interrupted, Lost, RetryLater
from transcriber.parts import Part
from transcriber.voice import Transcript, Voice

T = TypeVar("T")
OnError = Callable[[str, Exception], None]
_ORDINARY = (Lost, Gone, Interrupted)  # reported elsewhere, or no error at all


class Pulse:
    """When the work last came a step further, and until when Telegram wants none; both in Unix seconds."""

    def __init__(self) -> None:
        self.moved_at = time.time()
        self.resting_until = 0.0

    def moved(self, _fraction: float = 1.0) -> None:
        """A step was made."""
        self.moved_at = time.time()

    def rest(self, wait_s: float) -> None:
        """Nothing can move for so long."""
        self.resting_until = max(self.resting_until, time.time() + wait_s)


class Engine(Protocol):
    """What turns a file into text, telling `on_progress` how far it is; its other options are the pipeline's matter."""

    @property
    def model(self) -> str: ...

    @property
    def transcribe(self) -> Callable[..., Awaitable[Transcript]]: ...

    def wake(self) -> None: ...


class Chat(Protocol):
    """Where files come from and answers go."""

    async def download(self, voice: Voice, folder: Path) -> Path: ...
    async def exists(self, chat_id: int, message_id: int) -> bool: ...
    async def text(self, chat_id: int, message_id: int) -> str: ...
    async def send(self, chat_id: int, part: Part, *, reply_to: int, random_id: int) -> int: ...
    async def revise(self, chat_id: int, message_id: int, part: Part) -> None: ...
    async def react(self, chat_id: int, message_id: int, emoji: str) -> None: ...


class Watched:
    """The engine and the chats as the pipeline uses them: the same, but `pulse` and `on_error` hear of each step."""

    def __init__(
        self,
        engine: Engine,
        chat: Chat,
        pulse: Pulse,
        on_error: OnError,
        on_transcript: Callable[[Transcript], Awaitable[None]],
    ) -> None:
        self._engine = engine
        self._chat = chat
        self._pulse = pulse
        self._on_error = on_error
        self._on_transcript = on_transcript

    @property
    def model(self) -> str:
        """The model in use."""
        return self._engine.model

    async def transcribe(self, media: Path, **options: Any) -> Transcript:
        """Transcribe; every piece is a step."""
        work = self._engine.transcribe(media, **options, on_progress=self._pulse.moved)
        transcript = await self._step("Whisper", work)
        await self._on_transcript(transcript)
        return transcript

    async def download(self, voice: Voice, folder: Path) -> Path:
        """Download; a whole file is a step. Meanwhile the model comes back if it was put away."""
        self._engine.wake()
        return await self._step("Telegram", self._chat.download(voice, folder))

    async def exists(self, chat_id: int, message_id: int) -> bool:
        """Look a message up; that moves nothing."""
        return await self._chat.exists(chat_id, message_id)

    async def text(self, chat_id: int, message_id: int) -> str:
        """Read a message; that moves nothing."""
        return await self._chat.text(chat_id, message_id)

    async def send(self, chat_id: int, part: Part, *, reply_to: int, random_id: int) -> int:
        """Send; a delivered part is a step."""
        return await self._step("Telegram", self._chat.send(chat_id, part, reply_to=reply_to, random_id=random_id))

    async def revise(self, chat_id: int, message_id: int, part: Part) -> None:
        """Edit; that is a step, too."""
        await self._step("Telegram", self._chat.revise(chat_id, message_id, part))

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        """React; that moves nothing."""
        await self._chat.react(chat_id, message_id, emoji)

    async def _step(self, where: str, work: Awaitable[T]) -> T:
        try:
            result = await work
        except _ORDINARY:
            raise
        except RetryLater as error:
            if error.after_s is None:
                self._failed(where, error)
            else:
                self._pulse.rest(error.after_s)
            raise
        except OSError as error:  # a full disk: the same try again is no step
            self._on_error("Disk", error)
            raise
        except Exception as error:
            self._failed(where, error)
            raise
        self._pulse.moved()
        return result

    def _failed(self, where: str, error: Exception) -> None:
        """One try fewer until the voice is given up: that, too, is a step."""
        self._pulse.moved()
        self._on_error(where, error)
