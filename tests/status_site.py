"""A status port with everything it reports on: a real server on a real Redis."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.people import transcript, voice
from tests.stage import until
from transcriber import tally
from transcriber.backlog import backlog
from transcriber.errors import Rejected
from transcriber.facts import Observer
from transcriber.health import Health, Level
from transcriber.journal import Journal
from transcriber.state import State
from transcriber.tasks import end
from transcriber.texts import Words
from transcriber.web import StatusPort

SAY = Words("en")
SECRET = "<b>секрет</b>"


class Queue:
    """The queue as the books have it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.last_error = ""

    async def waiting(self) -> tuple[int, float]:
        count, oldest = await backlog(self.state)
        return count, time.time() - oldest if count else 0.0


class Model:
    """Which model is loaded."""

    model = "/models/small"
    is_away = False
    arithmetic = "int8 (auto)"


@dataclass
class Site:
    """A running status port."""

    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
        """Status, text, headers."""
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path) as answer:
            return answer.status, await answer.text(), dict(answer.headers)


def free_port() -> int:
    """A port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Inside(Site):
    """The same, with what it reports on."""

    state: State
    health: Health
    journal: Journal
    observer: Observer


async def opened(state: State, folder: Path) -> AsyncIterator[Inside]:
    health, journal, port = Health(state, folder, lambda: None), Journal(state, SAY), free_port()
    health.telegram.set(Level.OK)
    observer = Observer(
        health,
        state,
        Queue(state),
        Model(),
        journal,
        threads=2,
        reconnects=lambda: 3,
        flood_wait_s=lambda: 42.0,
    )
    serving = asyncio.create_task(StatusPort(observer, health, SAY, host="127.0.0.1", port=port).run())

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    await until(answers)
    yield Inside(port, state, health, journal, observer)
    await end(serving)


@pytest.fixture
async def site(state: State, tmp_path: Path) -> AsyncIterator[Inside]:
    async for site in opened(state, tmp_path):
        yield site


async def a_day(site: Inside) -> None:
    """A day as a family has it: quiet at night, one hour with a backlog, some without speech."""
    now = time.time()
    for hours_ago in range(24):
        hour = (21 - hours_ago) % 24  # as if it were evening
        count = max(0, 9 - abs(14 - hour)) + (hours_ago * 7) % 4 if 7 < hour < 23 else 0
        async with site.state.redis.pipeline() as pipeline:
            for index in range(count):
                delay_s = 3.0 + (index * 5 + hours_ago) % 6 + (14 if hours_ago == 6 else 0)
                outcome = "no_speech" if index == 4 else "failed" if hours_ago == 5 and not index else "text"
                tally.add(pipeline, tally.of_outcome(outcome, delay_s), now - hours_ago * 3600)
                pipeline.hincrby("vt:counters", outcome, 1)
                heard = transcript(duration_s=9.0 + index * 2, elapsed_s=2.6 + index * 0.5)
                tally.add(pipeline, tally.of_speech(heard), now - hours_ago * 3600)
            pipeline.hset("vt:last", mapping={"outcome": "text", "at": now - 130})
            await pipeline.execute()
    site.health.started = now - 3 * 86_400
    for part in site.health.parts.values():
        part.since = site.health.started
    site.journal.note("Whisper", Rejected("media_unreadable"))
    site.journal.note("Telegram", Rejected("network_error", error="Connection lost"))
    await site.journal.write()
    await site.state.accept(voice(9001, sent_at=now - 4))
