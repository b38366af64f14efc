"""Draft now, better later (REFINE_MODEL): while nothing is in work, a stronger model hears again what was answered.

Nobody waits for it, so it gives way to everything: a new voice ends it within one piece, and its model is let go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from transcriber import rounds
from transcriber.answer import Answer
from transcriber.drafts import Drafts, is_really_different
from transcriber.errors import Gone, ModelUnavailable, Refused, Rejected, TranscriberError
from transcriber.job import Source
from transcriber.redis_client import RedisTrouble, reply_of
from transcriber.state import State
from transcriber.tasks import end
from transcriber.texts import Words
from transcriber.tongues import Engine, order_for
from transcriber.voice import Voice

log = logging.getLogger(__name__)

_QUIET_S = 20.0  # people send voices in a row
_TROUBLE_S = 300.0


class StrongerEngine(Engine, Protocol):
    """One for the stronger model alone. `load` raises ModelUnavailable, also when there is no room for it."""

    async def load(self, name: str, *, trusted: bool = False, must_fit: bool = False) -> None: ...
    async def close(self) -> None: ...


class Refiner:
    """Edits an answer when the stronger model hears really other words, unless the owner has touched it meanwhile."""

    def __init__(
        self,
        state: State,
        drafts: Drafts,
        source: Source,
        answer: Answer,
        engine: Callable[[], StrongerEngine],
        say: Words,
        *,
        folder: Path,
        hotwords: str = "",
        may_load: Callable[[], bool] = lambda: True,
        quiet_s: float = _QUIET_S,
    ) -> None:
        self._state = state
        self._drafts = drafts
        self._source = source
        self._answer = answer
        self._engine = engine
        self._say = say
        self._folder = folder / "again"  # apart from the files of voices in work
        self._hotwords = hotwords
        self._may_load = may_load  # whether what is free now will not be needed for the model that answers
        self._quiet_s = quiet_s
        self._needed = asyncio.Event()

    def make_way(self) -> None:
        """A voice has come: it goes first."""
        self._needed.set()

    async def run(self) -> None:
        """Work through the drafts whenever it is quiet, until cancelled; at once over without REFINE_MODEL."""
        if not self._drafts.model:
            return
        self._folder.mkdir(exist_ok=True)
        for left in self._folder.iterdir():  # by a run that was killed
            left.unlink()
        pause_s = self._quiet_s
        while True:
            await self._quiet(pause_s)
            engine = self._engine()
            work = asyncio.create_task(self._work_off(engine))
            interruption = asyncio.create_task(self._needed.wait())
            try:
                await asyncio.wait({work, interruption}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await end(work, interruption)
                await asyncio.shield(engine.close())  # its memory is needed now
            pause_s = self._quiet_s if work.cancelled() else work.result()

    async def _quiet(self, pause_s: float) -> None:
        """Until no voice has come for so long, none is in work, and there is something to do."""
        while True:
            self._needed.clear()
            try:
                async with asyncio.timeout(pause_s):
                    await self._needed.wait()
            except TimeoutError:
                if await self._has_time():
                    return

    async def _has_time(self) -> bool:
        try:
            in_work = await reply_of(self._state.redis.hlen("vt:accepted"))
            return not in_work and self._may_load() and await self._drafts.newest() is not None
        except RedisTrouble:
            return False

    async def _work_off(self, engine: StrongerEngine) -> float:
        """How long to wait until the next look: longer after trouble."""
        try:
            while voice := await self._drafts.newest():
                if not engine.model:
                    await engine.load(self._drafts.model, trusted=True, must_fit=True)
                await self._hear_again(engine, voice)
                await self._drafts.drop(voice)
        except ModelUnavailable as error:
            log.warning("REFINE_MODEL: %s", self._say.error(error))
        except (TranscriberError, RedisTrouble, OSError) as error:  # Telegram, Redis, the disk: it stays on the list
            log.debug("refining will go on: %r", error)
        except Exception:
            log.exception("refining %s", voice.key if voice else "")
            if voice:
                await self._drafts.drop(voice)
        else:
            return self._quiet_s
        return _TROUBLE_S

    async def _hear_again(self, engine: StrongerEngine, voice: Voice) -> None:
        marks, old = await self._state.marks(voice.key), await self._state.transcript(voice.key)
        message_id = rounds.shown(marks, 0)
        if old is None or "outcome" not in marks or not message_id:
            return  # forgotten, retried, or nobody knows which message it is
        try:
            file = await self._source.download(voice, self._folder)
        except (Gone, Refused):
            return
        try:
            order = await order_for(self._state, voice, hotwords=self._hotwords, thorough=True)
            new = await engine.transcribe(
                file,
                language=order.language,
                words=order.words,
                thorough=order.thorough,
                announced_s=voice.duration_s or None,
            )
        except Rejected:
            return
        finally:
            file.unlink(missing_ok=True)
        if (
            new.text
            and is_really_different(old.text, new.text)
            and await self._answer.improve(voice, old, new, message_id)
        ):
            await self._state.improve(voice.key, new)
            log.debug("%s: better text from %s", voice.key, self._drafts.model)
