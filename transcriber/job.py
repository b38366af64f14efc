"""One voice's way: download → transcribe → keep → reply → done. It survives a kill at any line.

Whatever it has done is on the books (the marks in `state`), so that the next try goes on from there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from transcriber import rounds
from transcriber.answer import Answer
from transcriber.drafts import Drafts
from transcriber.echoes import Echoes, content, document
from transcriber.errors import Gone, Interrupted, Lost, Refused, Rejected, RetryLater
from transcriber.lanes import LONG_S
from transcriber.redis_client import patiently
from transcriber.state import State
from transcriber.tongues import Engine, Order, order_for, transcribe_for
from transcriber.turns import Turns
from transcriber.voice import Transcript, Voice

log = logging.getLogger(__name__)

AGAIN_S = (2.0, 5.0, 15.0, 60.0, 300.0)  # pauses after the first, second … failure
_DISK_RETRY_S = 15.0
_DELETED = {"MESSAGE_ID_INVALID", "REPLY_MESSAGE_ID_INVALID", "MSG_ID_INVALID"}  # nothing left to reply to

Engage = Callable[[], None]


class Source(Protocol):
    """Where files come from. Raises Gone, RetryLater, Refused, Lost."""

    async def download(self, voice: Voice, folder: Path) -> Path: ...


class Job:
    """What is done about a voice. `engage` is called when the work is worth the grace period of a stop."""

    def __init__(
        self,
        state: State,
        engine: Engine,
        source: Source,
        answer: Answer,
        *,
        folder: Path,
        attempts: int = 10,
        max_bytes: int = 2 * 1024**3,
        hotwords: str = "",
        drafts: Drafts,
        places: int = 1,
    ) -> None:
        self._state = state
        self._engine = engine
        self._source = source
        self._answer = answer
        self._folder = folder
        self._attempts = attempts
        self._max_bytes = max_bytes
        self._hotwords = hotwords
        self._drafts = drafts
        self._turns = Turns(places)
        self._echoes = Echoes(state, lambda: engine.model)
        self.last_error = ""

    def accepted(self, voice: Voice) -> None:
        """Show the sender that the voice is in work."""
        self._answer.working_on(voice)

    async def run(self, key: str, engage: Engage) -> None:
        """Bring the voice called `key` to its outcome. Raises Interrupted, or RetryLater with the time to wait."""
        voice = await patiently(lambda: self._state.pending(key))
        if voice is None:
            return  # it has its outcome: a redelivery of what was only not acknowledged
        marks = await patiently(lambda: self._state.marks(key))
        try:
            await self._conclude(voice, marks, engage)
        except Gone:
            await self._close(voice, "gone")
        except Refused as error:
            if error.code in _DELETED:
                await self._close(voice, "gone")
            else:
                await self._failed(voice, marks, error)
        except Interrupted:
            raise
        except RetryLater as error:
            if error.after_s is not None:
                raise
            await self._failed(voice, marks, error)  # nobody named a time: it may be this voice that is to blame
        except Lost as error:
            raise RetryLater("telegram_away", after_s=1.0) from error  # not this voice's fault
        except OSError as error:
            self.last_error = f"{type(error).__name__}: {error.strerror}"
            raise RetryLater("disk", after_s=_DISK_RETRY_S) from error
        except Exception as error:
            await self._failed(voice, marks, error)

    async def _conclude(self, voice: Voice, marks: dict[str, str], engage: Engage) -> None:
        verdict = marks.get("verdict")
        transcript = None
        if verdict is None:
            try:
                transcript = await self._transcript(voice, marks, engage)
            except Rejected as error:
                verdict = self._answer.reason(error)
                await patiently(lambda: self._state.mark(voice.key, "verdict", verdict or ""))
        engage()
        if transcript is not None:
            await self._answer.with_text(voice, transcript, marks)
            await self._close(voice, "text" if transcript.text else "no_speech")
            if not rounds.is_thorough(marks):
                await patiently(partial(self._drafts.add, voice, transcript))
        else:
            await self._answer.with_reason(voice, verdict or "", marks)
            await patiently(lambda: self._state.give_up(voice, verdict or ""))
            await self._close(voice, "failed")

    async def _transcript(self, voice: Voice, marks: dict[str, str], engage: Engage) -> Transcript:
        """The text that is kept, or that the same sound has had, or a new one."""
        kept = await patiently(lambda: self._state.transcript(voice.key))
        if kept is not None:
            return kept
        if voice.size_bytes > self._max_bytes:
            raise Rejected("too_large", limit_mb=self._max_bytes // 1024**2)
        async with self._echoes.one_at_a_time(document(voice)):
            if echo := await self._echo(voice, marks, document(voice)):
                return echo
            path = await self._source.download(voice, self._folder)
            sounds = document(voice), await content(path)
            async with self._echoes.one_at_a_time(sounds[1]):
                transcript = await self._echo(voice, marks, *sounds)
                if transcript is None:
                    transcript = await self._listen(voice, marks, path, sounds, engage)
        path.unlink(missing_ok=True)
        return transcript

    async def _order(self, voice: Voice, marks: dict[str, str]) -> Order:
        thorough = rounds.is_thorough(marks)
        return await order_for(self._state, voice, hotwords=self._hotwords, thorough=thorough)

    async def _echo(self, voice: Voice, marks: dict[str, str], *sounds: str) -> Transcript | None:
        order = await self._order(voice, marks)
        transcript = await self._echoes.find(sounds[-1], order)
        if transcript is not None:
            await self._echoes.keep(voice, transcript, order, *sounds)
        return transcript

    async def _listen(
        self, voice: Voice, marks: dict[str, str], path: Path, sounds: Sequence[str], engage: Engage
    ) -> Transcript:
        async with self._turns.turn(voice.sent_at, is_long=not 0 < voice.duration_s <= LONG_S):
            if await patiently(lambda: self._state.count(voice.key, "starts")) > self._attempts:
                raise Rejected("attempts_used_up")  # also a file that kills the process each time
            engage()
            order = await self._order(voice, marks)
            transcript = await transcribe_for(self._state, self._engine, voice, path, order)
        await self._echoes.keep(voice, transcript, order, *sounds)
        return transcript

    async def _failed(self, voice: Voice, marks: dict[str, str], error: Exception) -> None:
        """Try again later, or give the voice up when it has had enough tries."""
        self.last_error = f"{type(error).__name__}: {error}"
        failures = await patiently(lambda: self._state.count(voice.key, "failures"))
        if failures < self._attempts:
            raise RetryLater("again", after_s=AGAIN_S[min(failures, len(AGAIN_S)) - 1]) from error
        log.warning("giving up voice %s after %s tries: %s", voice.key, failures, self.last_error)
        reason = self._answer.reason(Rejected("attempts_used_up"))
        if "verdict" not in marks:  # say so in the chat; with a verdict that was just what failed
            await patiently(lambda: self._state.mark(voice.key, "verdict", reason))
            raise RetryLater("again", after_s=0.1) from error
        await patiently(lambda: self._state.give_up(voice, reason))
        await self._close(voice, "failed")

    async def _close(self, voice: Voice, outcome: str) -> None:
        await self._answer.finished(voice)
        await patiently(lambda: self._state.close(voice, outcome))
        (self._folder / f"{voice.chat_id}_{voice.message_id}.media").unlink(missing_ok=True)
        log.debug("%s: %s, %.1f s after it was sent", voice.key, outcome, time.time() - voice.sent_at)
