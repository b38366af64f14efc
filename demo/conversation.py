"""The conversation: what the friend says, what comes back, and whether that is right."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from demo.bubbles import Bubble, Divider, clock, loudness
from demo.phones import Arrival
from demo.stage import Stage
from demo.words import DemoWords
from tests.wer import word_error_rate
from transcriber.texts import Words

VOICES = Path(__file__).parent.parent / "tests" / "voices"
SPOKEN = ("ru_m11s.ogg", "en_real_11s.ogg", "en_60s.ogg")
SILENCE = "silence_5s.ogg"
BROKEN_BYTES = b"<html>This page was saved as voice.ogg.</html>" * 100
BROKEN_S = 7.0  # what the sender's phone believed
PATIENCE_S = 100.0  # for one answer
WER_LIMIT = 0.35

Show = Callable[[Bubble | Divider], None]


@dataclass
class Outcome:
    """How it went: the demo has succeeded when there are no `complaints`."""

    asked: int = 0
    answers: int = 0
    error_rates: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


class Conversation:
    """Plays it on a stage; `show` draws each message as it appears."""

    def __init__(self, stage: Stage, language: str, show: Show) -> None:
        self._stage = stage
        self._say = DemoWords(language)
        self._daemon_says = Words(language)
        self._show = show
        self.outcome = Outcome()

    async def play(self, broken: Path) -> Outcome:
        """All of it. The broken file is written to `broken`."""
        broken.write_bytes(BROKEN_BYTES)
        self._show(Divider(self._say("friend")))
        manifest = {entry["file"]: entry for entry in json.loads((VOICES / "manifest.json").read_text("utf-8"))}
        for file in SPOKEN:
            heard = await self._voice(VOICES / file, manifest[file]["seconds"])
            self._check_words(file, manifest[file]["text"], heard)
        heard = await self._voice(VOICES / SILENCE, manifest[SILENCE]["seconds"])
        self._check(SILENCE, self._daemon_says("no_speech"), heard)
        heard = await self._voice(broken, BROKEN_S, note=self._say("broken"))
        self._check(broken.name, self._daemon_says("media_unreadable"), heard)
        self._show(Divider(self._say("saved")))
        self._check("/status", "Telegram: OK", await self._status())
        return self.outcome

    async def _voice(self, file: Path, duration_s: float, note: str = "") -> str:
        """Send a voice, show it and its answer; the answer's text."""
        self._show(Bubble(note, bars=loudness(file), duration_s=duration_s))
        phone, owner = self._stage.friends_phone, self._stage.owner
        started_s = time.perf_counter()
        message_id = await phone.send_voice(owner, file, duration_s)
        quoted = f"{self._say('voice')}, {clock(duration_s)}"
        return await self._answered(file.name, phone.reply(message_id, PATIENCE_S), started_s, quoted)

    async def _status(self) -> str:
        self._show(Bubble("/status", own=True))
        phone = self._stage.owners_phone
        started_s = time.perf_counter()
        message_id = await phone.send_text("me", "/status")
        return await self._answered("/status", phone.edit(message_id, PATIENCE_S), started_s)

    async def _answered(self, what: str, coming: Awaitable[Arrival], started_s: float, quoted: str = "") -> str:
        self.outcome.asked += 1
        try:
            answer = await coming
        except TimeoutError:
            self.outcome.complaints.append(self._say("no_answer", what=what))
            return ""
        self.outcome.answers += 1
        took = self._say.after(answer.at_s - started_s)
        if answer.edited:
            took = self._say("edited", after=took)
        self._show(Bubble(answer.text, own=True, reply_to=quoted, took=took, folded=answer.folded))
        return answer.text

    def _check_words(self, what: str, said: str, heard: str) -> None:
        if not heard:
            return  # that has been complained about
        rate = word_error_rate(said, heard)
        self.outcome.error_rates.append(rate)
        if rate >= WER_LIMIT:
            limit = round(WER_LIMIT * 100)
            complaint = self._say("wrong_words", what=what, rate=round(rate * 100), limit=limit)
            self.outcome.complaints.append(complaint)

    def _check(self, what: str, want: str, heard: str) -> None:
        if heard and want not in heard:
            self.outcome.complaints.append(self._say("wrong_answer", what=what, want=want))
