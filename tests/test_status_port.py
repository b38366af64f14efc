"""The status port: a real server on a real Redis, asked as a browser, Prometheus and a stranger would."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from sandbox import Telegram
from tests.people import transcript, voice
from tests.stage import Stage, until
from transcriber import tally
from transcriber.backlog import backlog
from transcriber.charts import Series, chart
from transcriber.errors import Rejected
from transcriber.facts import Observer
from transcriber.health import Health, Level
from transcriber.journal import Journal
from transcriber.state import State, connect
from transcriber.status import text
from transcriber.tasks import end
from transcriber.texts import Words
from transcriber.voice import Person
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


async def _open(state: State, folder: Path) -> AsyncIterator[Inside]:
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
    async for site in _open(state, tmp_path):
        yield site


async def _close(state: State, message_id: int, outcome: str, delay_s: float, **changes: Any) -> None:
    one = voice(message_id, sent_at=time.time() - delay_s, **changes)
    await state.accept(one)
    await state.close(one, outcome)


async def _a_day(site: Inside) -> None:
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


async def test_healthz_says_yes_with_200_and_no_with_503(site: Inside) -> None:
    assert (await site.get("/healthz"))[:2] == (200, SAY("health_ok", count=0) + "\n")
    site.health.telegram.set(Level.DOWN, "no network")
    status, sentence, _ = await site.get("/healthz")
    assert status == 503
    assert "no network" in sentence


async def test_status_tells_the_same_facts_as_the_chat(site: Inside) -> None:
    await _a_day(site)
    facts = json.loads((await site.get("/status"))[1])
    assert facts["parts"]["Telegram"]["level"] == "OK"
    assert (facts["stored"]["waiting"], facts["reconnects"], facts["model"]) == (1, 3, "small")
    said = text(await site.observer.facts(), SAY)
    done = sum(facts["stored"]["outcomes"].values())
    assert SAY("status_queue", count=1, age="4 s") in said
    assert SAY("status_voices", done=done, last="2 min ago", given_up=0) in said


async def test_metrics_are_what_prometheus_reads(site: Inside) -> None:
    await _close(site.state, 1, "text", 1.0)
    await _close(site.state, 2, "text", 25.0)
    await _close(site.state, 3, "gone", 5.0)
    await site.journal.heard(transcript(duration_s=10.0, elapsed_s=3.0))
    await site.state.accept(voice(4, sent_at=time.time() - 60))
    _, body, headers = await site.get("/metrics")
    assert headers["Content-Type"].startswith("text/plain; version=")
    samples = {
        (sample.name.removeprefix("voice_transcriber_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    assert samples["voices_total", "text"] == 2
    assert samples["voices_total", "gone"] == 1
    assert samples["queue_length",] == 1
    assert 60 <= samples["queue_head_age_seconds",] < 70
    assert samples["audio_seconds_total",] == 10
    assert samples["real_time_factor",] == pytest.approx(0.3)
    assert samples["reply_delay_seconds_bucket", "2.0"] == 1
    assert samples["reply_delay_seconds_bucket", "30.0"] == 2
    assert samples["reply_delay_seconds_count",] == samples["reply_delay_seconds_bucket", "+Inf"] == 2
    assert samples["reconnects_total",] == 3
    assert samples["flood_wait_seconds_total",] == 42
    assert samples["memory_bytes",] > 1_000_000
    assert samples["part_up", "telegram"] == 1


async def test_without_redis_every_path_still_answers_and_says_why(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nothing.sock") as redis:
        async for site in _open(State(redis), tmp_path):
            await site.health.check()
            assert (await site.get("/healthz"))[0] == 503
            assert json.loads((await site.get("/status"))[1])["stored"] is None
            assert "voice_transcriber_queue_length" not in (await site.get("/metrics"))[1]
            status, page, _ = await site.get("/")
            assert status == 200
            assert "DEGRADED" in page


@pytest.mark.parametrize("path", ["/", "/healthz", "/status", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_nothing_but_get_is_allowed(site: Inside, path: str, method: str) -> None:
    assert (await site.get(path, method))[0] == 405


@pytest.mark.parametrize("path", ["/", "/healthz", "/status", "/metrics", "/nothing"])
async def test_every_answer_forbids_scripts_frames_and_foreign_content(site: Inside, path: str) -> None:
    _, body, headers = await site.get(path)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in headers
    assert not re.search(r"<script|https?://|\bon\w+=|style=", body)


async def test_no_transcript_no_name_and_no_number_of_a_chat_is_on_the_page(site: Inside) -> None:
    await site.state.track(Person(888_999, "Анна"))
    one = voice(777_123, chat_id=-100_555_777, sender_id=888_999)
    await site.state.accept(one)
    await site.state.keep_transcript(one.key, transcript(SECRET))
    await site.state.give_up(one, SECRET)
    site.journal.note("Whisper", ValueError(SECRET))  # a surprise may quote a chat
    await site.journal.write()
    for path in ("/", "/status", "/metrics", "/healthz"):
        body = (await site.get(path))[1]
        for private in ("секрет", "Анна", "777123", "555777", "888999"):
            assert private not in body, (path, private)
    assert "ValueError" in (await site.get("/"))[1]


async def test_what_comes_from_outside_is_escaped(site: Inside) -> None:
    site.health.telegram.set(Level.DOWN, "<img src=x onerror=alert(1)>")
    page = (await site.get("/"))[1]
    assert "<img" not in page
    assert "&lt;img" in page


async def test_a_port_that_is_taken_is_said_and_nothing_ends(site: Inside, caplog: pytest.LogCaptureFixture) -> None:
    await StatusPort(site.observer, site.health, SAY, host="127.0.0.1", port=site.port).run()
    assert any(str(site.port) in record.getMessage() for record in caplog.records)


async def test_errors_are_the_last_ones_and_not_repeated(site: Inside, redis: Redis) -> None:
    for number in range(50):
        site.journal.note("Whisper", OSError(number, f"error {number % 30}"))
        site.journal.note("Whisper", OSError(number, f"error {number % 30}"))
        await site.journal.write()
    errors = await site.journal.read()
    assert len(errors) == 20
    assert errors[0]["what"].endswith("error 19")
    assert await redis.llen("vt:errors") == 20


async def test_errors_that_came_while_redis_was_away_are_written_afterwards(state: State, tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nothing.sock") as away:
        journal = Journal(State(away), SAY)
        journal.note("Disk", OSError(28, "No space left"))
        with pytest.raises(Exception, match=r"nothing\.sock"):
            await journal.write()
    journal._state = state
    await journal.write()
    assert [error["where"] for error in await journal.read()] == ["Disk"]


async def test_what_is_counted_takes_little_room_however_long_it_runs(state: State, redis: Redis) -> None:
    """Two days of hours: one hash each, with a lifetime of little over a day."""
    now = time.time()
    for hour in range(48):
        async with redis.pipeline() as pipeline:
            tally.add(pipeline, tally.of_outcome("text", 3.0), now - hour * 3600)
            await pipeline.execute()
    keys = await redis.keys("vt:hour:*")
    lifetimes = [await redis.ttl(key) for key in keys]
    assert all(0 < lifetime_s <= 26 * 3600 for lifetime_s in lifetimes)
    totals, hours = await Journal(state, SAY).counts(now)
    assert totals["answered"] == 48
    assert sum(hour["answered"] for hour in hours) == len(hours) == 24


async def test_the_running_program_counts_a_voice_and_shows_neither_its_text_nor_its_sender(
    tmp_path: Path, tiny_weights: Path, voices: Path
) -> None:
    port = free_port()
    async with Telegram() as telegram:
        stage = Stage(telegram, tmp_path, tiny_weights, STATUS_PORT=str(port), LANGUAGE="en")
        await stage.daemon.start(wait_for="The bot is running!")
        data = (voices / "en_real_3s.ogg").read_bytes()
        sent = stage.telegram.send_voice(stage.anna, stage.group, data, duration_s=3)
        text = await stage.answer(stage.group, sent)
        site = Site(port)
        deadline = time.monotonic() + 20
        while 'voices_total{outcome="text"} 1.0' not in (await site.get("/metrics"))[1]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        for path in ("/", "/status", "/metrics", "/healthz"):
            status, body, _ = await site.get(path)
            assert status == 200
            words = re.findall(r"\w{5,}", text.lower())
            private = {*words, "Анна", "anna_t", "family", str(stage.anna.id), str(stage.owner.id)}
            assert [one for one in private if one in body] == [], path
        assert await stage.daemon.stop() == 0


def test_a_chart_is_as_high_as_its_highest_hour_and_nothing_is_outside() -> None:
    picture = chart("Voices", [Series("a", [0, 3, 10]), Series("b", [0, 1, 7])], 1_700_000_000.0)
    bars = re.findall(r'<rect class="\w+" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', picture)
    assert len(bars) == 4
    assert all(float(y) >= 8 and float(y) + float(height) <= 70.1 for _, y, _, height in bars)
    assert ">20<" in picture  # 17, rounded up


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


async def _browse(folder: Path, *arguments: str) -> str:
    """What a headless Chromium prints; a new profile each time."""
    assert CHROMIUM
    quiet = ("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-sync", "--hide-scrollbars", *quiet)
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *options,
        "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 50)
    console = [line for line in errors.decode().splitlines() if "CONSOLE" in line]
    assert console == [], console
    return output.decode()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")
@pytest.mark.parametrize(("width", "height"), [(390, 1900), (1000, 860)])
async def test_a_real_browser_shows_the_page_on_a_phone_and_on_a_screen(
    site: Inside, tmp_path: Path, width: int, height: int
) -> None:
    """Also: no message of the browser's console, such as about the content policy."""
    await _a_day(site)
    dom = await _browse(tmp_path, "--dump-dom", site.url + "/")
    assert SAY("health_ok", count=1) in dom
    assert dom.count("<svg") >= 3
    assert SAY("media_unreadable") in dom
    picture = tmp_path / "page.png"
    await _browse(tmp_path, f"--window-size={width},{height}", f"--screenshot={picture}", site.url + "/")
    assert picture.stat().st_size > 10_000
