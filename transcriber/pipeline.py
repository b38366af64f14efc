"""The durable queue: every accepted voice gets its job done, through kills and restarts.

The queue is docket (at-least-once on Redis Streams); exactly-once comes from the marks in `state`, from random ids that
are the same at every try, and from `vt:accepted`, which holds a voice until its one outcome is visible.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta

import cloudpickle  # type: ignore[import-untyped]  # has no types
from docket import Docket, Retry, TaskKey, Worker
from docket.dependencies import ForcedRetry

from transcriber.backlog import backlog
from transcriber.errors import Interrupted, RetryLater
from transcriber.job import Job
from transcriber.redis_client import RedisTrouble, patiently
from transcriber.state import State
from transcriber.tasks import end
from transcriber.voice import Voice

log = logging.getLogger(__name__)

WORKER = "daemon"  # always the same name: there is one instance, and it owns what an earlier one left
IN_HAND = 64  # jobs at once: a few are transcribed while others download, wait for their turn or for Telegram
_LONG_IDLE_MS = 86_400_000  # a message idle for a day is handed out by the first sweep, whatever the lease


class _Nothing(tuple[()]):
    """No arguments, neither by place nor by name."""

    def keys(self) -> tuple[()]:
        return ()

    items = keys


# Docket unpickles what it finds in Redis, and unpickling runs code: whoever could write there could run anything here.
# Jobs need no arguments, their key says it all; so nothing is ever unpickled, whatever is there.
cloudpickle.loads = lambda _pickle: _Nothing()


class Pipeline:
    """Works off accepted voices until told to stop."""

    def __init__(self, url: str, state: State, job: Job, *, redelivery_s: float = 30.0) -> None:
        self._docket = Docket("vt", url, heartbeat_interval=timedelta(seconds=10))
        self._state = state
        self._work = job
        self._redelivery_s = redelivery_s
        self._jobs: dict[asyncio.Task[None], bool] = {}  # job -> whether it is worth the grace period
        self.is_open = False  # whether it takes new voices
        for name in ("docket.worker", "docket.dependencies", "docket.strikelist"):
            logging.getLogger(name).addFilter(_is_news)

    async def add(self, voice: Voice) -> None:
        """Queue an accepted voice; one that is there already stays where it is. Raises RedisTrouble."""
        if self.is_open:  # when stopping it waits on the books for the next start
            await self._docket.add(self._job, key=voice.key)()
            self._work.accepted(voice)

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
            await self._docket.add(self._job, key=voice.key)()

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
    async def _job(self, key: str = TaskKey(), retry: Retry = Retry(attempts=None)) -> None:  # noqa: B008 - docket's way
        task = asyncio.current_task()
        if task is None or not self.is_open:  # started while stopping: the next start does it
            raise asyncio.CancelledError
        self._jobs[task] = False
        try:
            await self._work.run(key, self._engage)
        except RetryLater as error:
            log.debug("%s: again later: %s", key, error)
            retry.after(timedelta(seconds=error.after_s or 0.0))
        except Interrupted as error:
            raise asyncio.CancelledError from error  # docket leaves a cancelled job to redelivery
        finally:
            self._jobs.pop(task, None)

    def _engage(self) -> None:
        """From here on the job is worth the grace period of a stop."""
        task = asyncio.current_task()
        if task in self._jobs:
            self._jobs[task] = True

    @property
    def last_error(self) -> str:
        """What went wrong last, empty when nothing did."""
        return self._work.last_error

    async def waiting(self) -> tuple[int, float]:
        """How many voices wait or are in work, and the age of the oldest in seconds. Raises RedisTrouble."""
        count, oldest = await backlog(self._state)
        return count, max(0.0, time.time() - oldest) if count else 0.0


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what docket logs about ordinary retries and about Redis being away: `health` reports that once."""
    reason = record.exc_info[1] if record.exc_info else None
    return not isinstance(reason, ForcedRetry | RedisTrouble)
