"""Voices and stand-ins for what is slow or remote: small working objects that record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transcriber.errors import Refused
from transcriber.languages import LanguageHint
from transcriber.parts import Part
from transcriber.voice import Kind, Person, Transcript, Voice

ANNA, BORIS, OWNER, GROUP = 7_100_200_311, 7_100_200_312, 7_100_200_310, -4_100_200_320


def voice(message_id: int = 1, *, chat_id: int = ANNA, sender_id: int = ANNA, **changes: Any) -> Voice:
    """A voice message of Anna's, sent just now."""
    values: dict[str, Any] = {"sent_at": time.time(), "kind": Kind.VOICE, "duration_s": 3.0, "size_bytes": 10}
    return Voice(chat_id, message_id, sender_id, **{**values, **changes})


def transcript(text: str = "привет", **changes: Any) -> Transcript:
    """What was heard."""
    values: dict[str, Any] = {"language": "ru", "language_probability": 0.9, "duration_s": 3.0, "elapsed_s": 0.1}
    return Transcript(text, **{"model": "base", **values, **changes})


@dataclass
class FakeChat:
    """Chats that keep what was said; `trouble` is raised by the next calls of a method, one error each."""

    sent: dict[int, tuple[int, int, Part]] = field(default_factory=dict)  # random id -> chat, reply to, part
    ids: dict[int, int] = field(default_factory=dict)  # message id -> random id
    reactions: dict[tuple[int, int], str] = field(default_factory=dict)
    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    trouble: dict[str, list[Exception]] = field(default_factory=dict)
    people: dict[int | str, Person] = field(default_factory=dict)
    authors: dict[tuple[int, int], int] = field(default_factory=dict)
    histories: dict[int, list[Voice]] = field(default_factory=dict)
    sounds: dict[int, bytes] = field(default_factory=dict)  # message -> what is in its file, if not its own sound
    deleted: set[tuple[int, int]] = field(default_factory=set)  # chat, message
    history_calls: list[tuple[int, int]] = field(default_factory=list)
    page: int = 100

    def _fail(self, method: str) -> None:
        if self.trouble.get(method):
            raise self.trouble[method].pop(0)

    async def send(self, chat_id: int, part: Part, *, reply_to: int, random_id: int) -> int:
        self._fail("send")
        if random_id in self.sent:
            return 0  # delivered before
        self.sent[random_id] = (chat_id, reply_to, part)
        self.ids[1000 + len(self.ids)] = random_id
        return 999 + len(self.ids)

    async def revise(self, chat_id: int, message_id: int, part: Part) -> None:
        self._fail("revise")
        if self.ids.get(message_id) not in self.sent:
            raise Refused("MESSAGE_ID_INVALID")
        _, reply_to, _ = self.sent[self.ids[message_id]]
        self.sent[self.ids[message_id]] = (chat_id, reply_to, part)

    async def exists(self, chat_id: int, message_id: int) -> bool:
        return (chat_id, message_id) not in self.deleted

    async def text(self, chat_id: int, message_id: int) -> str:
        _, _, part = self.sent.get(self.ids.get(message_id, 0), (0, 0, Part("")))
        return part.text

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        self.reactions[chat_id, message_id] = emoji

    async def edit(self, chat_id: int, message_id: int, text: str) -> None:
        self._fail("edit")
        self.texts[chat_id, message_id] = text

    async def download(self, voice: Voice, folder: Path) -> Path:
        self._fail("download")
        path = folder / f"{voice.chat_id}_{voice.message_id}.media"
        path.write_bytes(self.sounds.get(voice.message_id, voice.key.encode()))
        return path

    async def person(self, who: int | str) -> Person:
        if who not in self.people:
            raise Refused("USERNAME_NOT_OCCUPIED" if isinstance(who, str) else "PEER_ID_INVALID")
        return self.people[who]

    async def sender(self, chat_id: int, message_id: int) -> Person:
        return self.people[self.authors[chat_id, message_id]]

    async def voice(self, chat_id: int, message_id: int) -> Voice | None:
        return next((v for v in self.histories.get(chat_id, []) if v.message_id == message_id), None)

    async def history(self, chat_id: int, *, after_id: int, since: float) -> AsyncIterator[tuple[int, list[Voice]]]:
        self.history_calls.append((chat_id, after_id))
        self._fail("history")
        later = [v for v in self.histories.get(chat_id, []) if v.message_id > after_id]
        for start in range(0, len(later), self.page):
            page = later[start : start + self.page]
            yield page[-1].message_id, [v for v in page if v.sent_at >= since]
            self._fail("history")

    def texts_to(self, message_id: int) -> list[str]:
        """What was sent in reply to a message."""
        return [part.text for _, reply_to, part in self.sent.values() if reply_to == message_id]


@dataclass
class FakeEngine:
    """Hears what it was told to; counts its work. `gate` holds it until set."""

    model: str = "base"
    arithmetic: str = "int8 (auto)"
    heard: Transcript = field(default_factory=transcript)
    trouble: list[Exception] = field(default_factory=list)
    done: int = 0
    started: int = 0
    woken: int = 0
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)  # language set, language remembered
    manners: list[tuple[str, bool]] = field(default_factory=list)  # words, thorough
    gate: asyncio.Event | None = None
    refuses: dict[str, Exception] = field(default_factory=dict)

    async def transcribe(
        self,
        media: Path,
        *,
        language: str | None = None,
        hint: LanguageHint | None = None,
        words: str = "",
        thorough: bool = False,
        announced_s: float | None = None,
    ) -> Transcript:
        self.started += 1
        self.asked.append((language, hint.language if hint else None))
        self.manners.append((words, thorough))
        assert media.exists()
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble:
            raise self.trouble.pop(0)
        self.done += 1
        return self.heard

    @property
    def is_away(self) -> bool:
        return False

    def wake(self) -> None:
        self.woken += 1

    async def load(self, name: str, *, on_progress: Callable[[float], None] | None = None) -> None:
        if on_progress is not None:
            on_progress(0.5)
        if name in self.refuses:
            raise self.refuses[name]
        self.model = name
