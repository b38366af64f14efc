"""The data that travels: a Voice goes in, a Transcript comes out. A leaf of plain values, that survive Redis."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import PurePath

from pydantic import ConfigDict, TypeAdapter

_EXACT = ConfigDict(allow_inf_nan=False)  # no time is infinite


def label(model: str) -> str:
    """A model's name as people read it: a folder shows only its last part."""
    return PurePath(model).name if PurePath(model).is_absolute() else model


class Kind(StrEnum):
    """What the sender posted, in Telegram's own terms."""

    VOICE = "voice"
    VIDEO_NOTE = "video_note"
    AUDIO = "audio"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Voice:
    """A message with speech in it, as Telegram announced it; `sent_at` is in Unix seconds."""

    __pydantic_config__ = _EXACT

    chat_id: int
    message_id: int
    sender_id: int
    sent_at: float
    kind: Kind
    duration_s: float
    size_bytes: int
    file_id: str = ""  # Telegram's document id: the same audio forwarded has the same one

    @property
    def key(self) -> str:
        """The voice's name in Redis and in the queue: message ids repeat in different chats."""
        return f"{self.chat_id}:{self.message_id}"

    def to_json(self) -> str:
        """One line of JSON, the form in which Redis keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str | bytes) -> Voice:
        """The reverse of `to_json`. Raises ValueError for anything else."""
        return _VOICE.validate_json(line)


_VOICE = TypeAdapter(Voice)


@dataclass(frozen=True, slots=True)
class Command:
    """A message of the owner that starts with a slash; `reply_to_id` is 0 when it answers nothing."""

    chat_id: int
    message_id: int
    text: str
    reply_to_id: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to track: the id is what counts, the name is for people to read."""

    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech; times are in seconds from the start of the audio."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard. An empty `text` means that there was no speech."""

    __pydantic_config__ = _EXACT

    text: str
    language: str
    language_probability: float
    duration_s: float
    elapsed_s: float  # transcription alone, without loading the model
    model: str
    segments: tuple[Segment, ...] = field(default=())
    cut_short: bool = False  # the audio ended well before its announced duration
    speech_s: float = 0.0  # without the pauses
    encoder_frames: int = 0  # what it cost: log-mel frames encoded, tokens decoded; 0 when not counted
    decoder_tokens: int = 0
    is_unsure: bool = False  # the guard still doubts some of it after its last try

    def to_json(self) -> str:
        """One line of JSON, the form in which Redis keeps it."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str | bytes) -> Transcript:
        """The reverse of `to_json`. Raises ValueError for anything else."""
        return _TRANSCRIPT.validate_json(line)


_TRANSCRIPT = TypeAdapter(Transcript)
