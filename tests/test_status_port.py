"""The status port: a real server on a real Redis, asked as a browser, Prometheus and a stranger would."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from tests.people import transcript, voice
from tests.status_site import SAY, Inside, a_day, opened, site
from transcriber import tally
from transcriber.health import Level
from transcriber.journal import Journal
from transcriber.redis_client import connect, patiently
from transcriber.state import State
from transcriber.status import span, text
from transcriber.web import StatusPort

__all__ = ["site"]


async def _close(state: State, message_id: int, outcome: str, delay_s: float, **changes: Any) -> None:
    one = voice(message_id, sent_at=time.time() - delay_s, **changes)
    await state.accept(one)
    await state.close(one, outcome)


async def test_healthz_says_yes_with_200_and_no_with_503(site: Inside) -> None:
    assert (await site.get("/healthz"))[:2] == (200, SAY("health_ok", count=0) + "\n")
    site.health.telegram.set(Level.DOWN, "no network")
    status, sentence, _ = await site.get("/healthz")
    assert status == 503
    assert "no network" in sentence


async def test_status_tells_the_same_facts_as_the_chat(site: Inside) -> None:
    await a_day(site)
    facts = json.loads((await site.get("/status"))[1])
    assert facts["parts"]["Telegram"]["level"] == "OK"
    assert (facts["stored"]["waiting"], facts["reconnects"], facts["model"]) == (1, 3, "small")
    seen = await site.observer.facts()
    assert seen.stored is not None
    said = text(seen, SAY)
    assert 4 <= seen.stored.head_age_s < 60
    done = sum(facts["stored"]["outcomes"].values())
    assert SAY("status_queue", count=1, age=span(seen.stored.head_age_s, SAY)) in said
    assert SAY("status_voices", done=done, last="2 min ago", given_up=0) in said


async def test_a_voice_that_gets_its_outcome_twice_counts_once(site: Inside) -> None:
    for _ in range(2):  # as when catch-up offers it again just before
        await site.state.close(voice(1), "text")
        await site.state.redis.hset("vt:accepted", voice(1).key, voice(1).to_json())
    await site.state.close(voice(1), "text")
    stored = json.loads((await site.get("/status"))[1])["stored"]
    assert (stored["outcomes"], stored["waiting"]) == ({"text": 1}, 0)
    assert await site.state.redis.hget(tally.TOTALS, "answered") == "1"


async def test_a_voice_that_is_closed_by_many_at_once_counts_once(site: Inside) -> None:
    crowd = range(3)
    await asyncio.gather(*(site.state.redis.ping() for _ in crowd))  # connections, so that all read before one writes
    await asyncio.gather(*(patiently(lambda: site.state.close(voice(1), "text")) for _ in crowd))
    assert await site.state.redis.hget(tally.TOTALS, "answered") == "1"
    assert json.loads((await site.get("/status"))[1])["stored"]["outcomes"] == {"text": 1}


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
        async for site in opened(State(redis), tmp_path):
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
