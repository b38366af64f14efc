"""The durable job: download → transcribe → keep → reply → done. It survives a kill at any line.

The queue is docket (at-least-once on Redis Streams); exactly-once comes from the marks in `state`, from random ids that
are the same at every try, and from `vt:accepted`, which holds a voice until its one outcome is visible.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from docket import Docket, Retry, Worker
from docket.dependencies import ForcedRetry

from transcriber.answer import Answer
from transcriber.backlog import backlog
from transcriber.errors import Gone, Interrupted, Lost, Refused, Rejected, RetryLater
from transcriber.state import RedisTrouble, State, patiently
from transcriber.tasks import end
from transcriber.tongues import Engine, transcribe_for
from transcriber.turns import Turns
from transcriber.voice import Transcript, Voice

log = logging.getLogger(__name__)

WORKER = "daemon"  # always the same name: there is one instance, and it owns what an earlier one left
IN_HAND = 8  # jobs at once: one transcribes while others download or wait for Telegram
_RETRY_S = (2.0, 5.0, 15.0, 60.0, 300.0)  # pauses after the first, second … failure
_DISK_RETRY_S = 15.0
_LONG_IDLE_MS = 86_400_000  # a message idle for a day is handed out by the first sweep, whatever the lease
_DELETED = {"MESSAGE_ID_INVALID", "REPLY_MESSAGE_ID_INVALID", "MSG_ID_INVALID"}  # nothing left to reply to


class Source(Protocol):
    """Where files come from. Raises Gone, RetryLater, Refused, Lost."""

    async def download(self, voice: Voice, folder: Path) -> Path: ...


class Pipeline:
    """Works off accepted voices until told to stop."""

    def __init__(
        self,
        url: str,
        state: State,
        engine: Engine,
        source: Source,
        answer: Answer,
        *,
        folder: Path,
        attempts: int = 10,
        max_bytes: int = 2 * 1024**3,
        redelivery_s: float = 30.0,
    ) -> None:
        self._docket = Docket("vt", url, heartbeat_interval=timedelta(seconds=10))
        self._state = state
        self._engine = engine
        self._source = source
        self._answer = answer
        self._folder = folder
        self._attempts = attempts
        self._max_bytes = max_bytes
        self._redelivery_s = redelivery_s
        self._jobs: dict[asyncio.Task[None], bool] = {}  # job -> whether it is worth the grace period
        self._turns = Turns()
        self.is_open = False  # whether it takes new voices
        self.last_error = ""
        for name in ("docket.worker", "docket.dependencies", "docket.strikelist"):
            logging.getLogger(name).addFilter(_is_news)

    async def add(self, voice: Voice) -> None:
        """Queue an accepted voice; one that is there already stays where it is. Raises RedisTrouble."""
        if self.is_open:  # when stopping it waits on the books for the next start
            await self._docket.add(self._job, key=voice.key)(voice.key)
            self._answer.working_on(voice)

    async def run(self, closing: asyncio.Event, *, grace_s: float) -> None:
        """Work until `closing` is set, then give the jobs in hand `grace_s` seconds.

        What an earlier instance left unfinished comes first.
        """
        self._docket.register(self._job)
        timeout = timedelta(seconds=self._redelivery_s)
        async with self._docket:
            await patiently(self._take_over)
            self.is_open = True
            async with Worker(self._docket, WORKER, concurrency=IN_HAND, redelivery_timeout=timeout) as worker:
                working = asyncio.create_task(worker.run_forever())
                stopping = asyncio.create_task(closing.wait())
                try:
                    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self.is_open = False
                    stopping.cancel()
                    working.cancel()  # docket takes no more work and waits for what it has
                    await self._drain(grace_s if closing.is_set() else 0)
                    await working

    async def _drain(self, grace_s: float) -> None:
        """Let jobs that transcribe or reply finish in time; the others are left to the next start."""
        for job, worthwhile in list(self._jobs.items()):
            if not worthwhile:
                job.cancel()
        if self._jobs:
            await asyncio.wait(list(self._jobs), timeout=grace_s)
        await end(*self._jobs)

    async def requeue(self) -> None:
        """Put everything on the books into the queue; what is there stays where it is. Raises RedisTrouble."""
        for voice in await self._state.accepted():
            await self._docket.add(self._job, key=voice.key)(voice.key)

    async def _take_over(self) -> None:
        """Everything on the books must be in the queue, and nothing may wait for a dead worker's lease."""
        redis, stream, group = self._state.redis, self._docket.stream_key, self._docket.worker_group_name
        await self.requeue()
        if not await redis.exists(stream) or not await redis.xinfo_groups(stream):
            return
        pending = await redis.xpending_range(stream, group, "-", "+", 10_000)
        ids: list[int | bytes | str | memoryview[int]] = [entry["message_id"] for entry in pending]
        if ids:
            await redis.xclaim(stream, group, WORKER, 0, ids, idle=_LONG_IDLE_MS, justid=True)

    # --- one job ---
    async def _job(self, key: str, retry: Retry = Retry(attempts=None)) -> None:  # noqa: B008 - docket's way
        task = asyncio.current_task()
        if task is None or not self.is_open:  # started while stopping: the next start does it
            raise asyncio.CancelledError
        self._jobs[task] = False
        try:
            await self._work_on(key)
        except RetryLater as error:
            log.debug("%s: again later: %s", key, error)
            retry.after(timedelta(seconds=_RETRY_S[0] if error.after_s is None else error.after_s))
        except Interrupted as error:
            raise asyncio.CancelledError from error  # docket leaves a cancelled job to redelivery
        finally:
            self._jobs.pop(task, None)

    async def _work_on(self, key: str) -> None:
        voice = await patiently(lambda: self._state.pending(key))
        if voice is None:
            return  # it has its outcome: a redelivery of what was only not acknowledged
        marks = await patiently(lambda: self._state.marks(key))
        try:
            await self._conclude(voice, marks)
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

    async def _conclude(self, voice: Voice, marks: dict[str, str]) -> None:
        verdict = marks.get("verdict")
        transcript = None
        if verdict is None:
            try:
                transcript = await self._transcript(voice)
            except Rejected as error:
                verdict = self._answer.reason(error)
                await patiently(lambda: self._state.mark(voice.key, "verdict", verdict or ""))
        self._engage()
        if transcript is not None:
            await self._answer.with_text(voice, transcript, marks)
            await self._close(voice, "text" if transcript.text else "no_speech")
        else:
            await self._answer.with_reason(voice, verdict or "", marks)
            await patiently(lambda: self._state.give_up(voice, verdict or ""))
            await self._close(voice, "failed")

    async def _transcript(self, voice: Voice) -> Transcript:
        kept = await patiently(lambda: self._state.transcript(voice.key))
        if kept is not None:
            return kept
        if voice.size_bytes > self._max_bytes:
            raise Rejected("too_large", limit_mb=self._max_bytes // 1024**2)
        path = await self._source.download(voice, self._folder)
        async with self._turns.turn(voice.sent_at):
            if await patiently(lambda: self._state.count(voice.key, "starts")) > self._attempts:
                raise Rejected("attempts_used_up")  # also a file that kills the process each time
            self._engage()
            transcript = await transcribe_for(self._state, self._engine, voice, path)
        await patiently(lambda: self._state.keep_transcript(voice.key, transcript))
        path.unlink(missing_ok=True)
        return transcript

    async def _failed(self, voice: Voice, marks: dict[str, str], error: Exception) -> None:
        """Try again later, or give the voice up when it has had enough tries."""
        self.last_error = f"{type(error).__name__}: {error}"
        failures = await patiently(lambda: self._state.count(voice.key, "failures"))
        if failures < self._attempts:
            raise RetryLater("again", after_s=_RETRY_S[min(failures, len(_RETRY_S)) - 1]) from error
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

    def _engage(self) -> None:
        """From here on the job is worth the grace period of a stop."""
        task = asyncio.current_task()
        if task in self._jobs:
            self._jobs[task] = True

    async def waiting(self) -> tuple[int, float]:
        """How many voices wait or are in work, and the age of the oldest in seconds. Raises RedisTrouble."""
        count, oldest = await backlog(self._state)
        return count, max(0.0, time.time() - oldest) if count else 0.0


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what docket logs about ordinary retries and about Redis being away: `health` reports that once."""
    reason = record.exc_info[1] if record.exc_info else None
    return not isinstance(reason, ForcedRetry | RedisTrouble)
