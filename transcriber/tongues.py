"""How a voice is to be decoded: in which language (set, or usually spoken by the sender), with which words; `/lang`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from transcriber.errors import Rejected
from transcriber.languages import LanguageHint, update
from transcriber.redis_client import patiently
from transcriber.state import State
from transcriber.texts import Words
from transcriber.vocabulary import together
from transcriber.voice import Person, Transcript, Voice

ALL = "all"
AUTO = "auto"
# Whisper's languages (openai/whisper, tokenizer.py). Spelled out, because asking would load the engine.
_CODES = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy "
    "id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru "
    "sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
)
CODES = frozenset(_CODES.split())


class Engine(Protocol):
    """What turns a file into text. Raises Rejected, Interrupted."""

    @property
    def model(self) -> str: ...

    async def transcribe(
        self,
        media: Path,
        *,
        language: str | None = None,
        hint: LanguageHint | None = None,
        words: str = "",
        thorough: bool = False,
        announced_s: float | None = None,
    ) -> Transcript: ...


@dataclass(frozen=True, slots=True)
class Order:
    """What the owner wants of a decoding; `language` is None when it is to be detected."""

    language: str | None
    words: str
    thorough: bool


async def order_for(state: State, voice: Voice, *, hotwords: str = "", thorough: bool = False) -> Order:
    """The language set for the sender of `voice` or for all, and the words of its chat beside `hotwords`."""
    forced = await patiently(state.forced_languages)
    words = await patiently(lambda: state.words(voice.chat_id))
    return Order(forced.get(str(voice.sender_id)) or forced.get(ALL), together(words, hotwords), thorough)


async def transcribe_for(state: State, engine: Engine, voice: Voice, file: Path, order: Order) -> Transcript:
    """What `engine` hears in `file`; in no set language, it is helped by what the sender of `voice` usually speaks."""
    transcript = await engine.transcribe(
        file,
        language=order.language,
        hint=None if order.thorough else await _hint(state, voice),  # thorough: by this voice alone
        words=order.words,
        thorough=order.thorough,
        announced_s=voice.duration_s or None,
    )
    if order.language is None:
        await _learn(state, voice, transcript)
    return transcript


async def _hint(state: State, voice: Voice) -> LanguageHint | None:
    known = await patiently(lambda: state.spoken(voice.sender_id))
    return known.aged(time.time()) if known else None


async def _learn(state: State, voice: Voice, transcript: Transcript) -> None:
    known = await patiently(lambda: state.spoken(voice.sender_id))
    heard = update(known, transcript.language, transcript.language_probability, transcript.speech_s, time.time())
    if heard is not None and heard != known:
        await patiently(lambda: state.keep_spoken(voice.sender_id, heard))


async def answer_lang(state: State, say: Words, person: Person | None, argument: str) -> str:
    """What `/lang` answers: for `person`, or for all. Raises Rejected for a language that Whisper does not know."""
    code = argument.lower()
    if not code:
        return await _shown(state, say, person)
    if code not in CODES and code != AUTO:
        raise Rejected("language_unknown", language=re.sub(r"\s+", " ", argument)[:20])
    await state.force_language(str(person.user_id) if person else ALL, None if code == AUTO else code)
    key = "lang_auto" if code == AUTO else "lang_set"
    return say(key, who=person.name if person else say("lang_all"), language=code)


async def _shown(state: State, say: Words, person: Person | None) -> str:
    forced = await state.forced_languages()
    people = {person.user_id: person.name} if person else await state.tracked()
    lines = [] if person else [say("lang_line", who=say("lang_all"), language=forced.get(ALL, AUTO))]
    for user_id, name in sorted(people.items(), key=lambda item: item[1].lower()):
        heard = await state.spoken(user_id)
        if code := forced.get(str(user_id)):
            lines.append(say("lang_line", who=name, language=code))
        else:
            lines.append(say("lang_heard", who=name, language=heard.language if heard else "?"))
    return "\n".join(lines)
