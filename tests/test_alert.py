"""The owner is told once when a long trouble is over: what it was, and whether anything still waits."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from redis.asyncio import Redis

from sandbox import Telegram
from tests.people import OWNER, FakeChat, voice
from tests.stage import Stage, until
from transcriber.alert import ALERT_AFTER_S, Alert, Incident, review
from transcriber.errors import Lost, Refused
from transcriber.health import Health, Level
from transcriber.health import Part as HealthPart
from transcriber.state import State
from transcriber.texts import Words

SAY = Words("en")
NOW = 1_800_000_000.0
MINUTES = 60.0


def parts(**changes: HealthPart) -> dict[str, HealthPart]:
    """Every part, well for a day but for the changes."""
    well = {name: HealthPart(Level.OK, "", NOW - 86_400) for name in ("Telegram", "Redis", "Disk")}
    return well | changes


def bad(minutes: float, level: Level = Level.DOWN) -> HealthPart:
    """A part that is not well, for so long."""
    return HealthPart(level, "why", NOW - minutes * MINUTES)


def known(part: str, minutes: float, *, told: bool = False) -> dict[str, Incident]:
    """An incident that is going on."""
    return {part: Incident(part, NOW - minutes * MINUTES, "why", told=told)}


@pytest.mark.parametrize(
    ("before", "health", "told"),
    [
        ({}, parts(), []),
        ({}, parts(Telegram=bad(60)), []),  # nobody to tell it through
        (known("Telegram", 60), parts(Telegram=HealthPart(Level.OK, "", NOW - 30)), ["Telegram"]),
        (known("Telegram", 60), parts(Telegram=HealthPart(Level.OK, "", NOW - 3)), []),  # catch-up looks first
        (known("Telegram", 5.6), parts(Telegram=HealthPart(Level.OK, "", NOW - 30)), ["Telegram"]),
        (known("Telegram", 4.9), parts(Telegram=HealthPart(Level.OK, "", NOW - 30)), []),  # too short
        (known("Telegram", 60, told=True), parts(Telegram=HealthPart(Level.OK, "", NOW - 30)), []),
        ({}, parts(Disk=bad(4.9, Level.DEGRADED)), []),
        ({}, parts(Disk=bad(5.1, Level.DEGRADED)), ["Disk"]),  # it lasts, and Telegram works
        (known("Disk", 90, told=True), parts(Disk=bad(90, Level.DEGRADED)), []),
        (known("Redis", 9), parts(Redis=HealthPart(Level.OK, "", NOW - 1)), ["Redis"]),
        (known("Redis", 9), parts(Telegram=bad(2), Redis=HealthPart(Level.OK, "", NOW - 1)), []),
    ],
)
def test_what_is_told_and_when(before: dict[str, Incident], health: dict[str, HealthPart], told: list[str]) -> None:
    after, to_tell = review(before, health, NOW)
    assert [incident.part for incident in to_tell] == told
    assert set(told) <= set(after)


def test_an_incident_that_could_not_be_told_yet_is_kept_for_later() -> None:
    health = parts(Telegram=bad(2), Redis=HealthPart(Level.OK, "", NOW - 1))
    after, _ = review(known("Redis", 9), health, NOW)
    assert after["Redis"].until == NOW - 1
    later = parts(Telegram=HealthPart(Level.OK, "", NOW + 100))
    _, to_tell = review(after, later, NOW + 200)
    assert [(i.part, i.until) for i in to_tell] == [("Redis", NOW - 1)]


class Watch:
    """An alert with everything around it; a new one on the same state is a restart."""

    def __init__(self, state: State, folder: Path, chat: FakeChat) -> None:
        self.health, self.chat = Health(state, folder, lambda: None), chat
        self.alert = Alert(self.health, state, chat, SAY, lambda: OWNER)
        self.health.telegram.set(Level.OK)
        self.health.telegram.since = time.time() - 86_400

    async def outage(self, minutes: float) -> float:
        """Telegram is away for so long, and back; the time after it."""
        start = time.time()
        self.health.telegram.set(Level.DOWN, "no network")
        self.health.telegram.since = start - minutes * MINUTES - 60
        await self.alert.look(start - 60)
        self.health.telegram.set(Level.OK)
        self.health.telegram.since = start - 60
        return start

    @property
    def texts(self) -> list[str]:
        """What was told."""
        return [part.text for chat_id, _, part in self.chat.sent.values() if chat_id == OWNER]


@pytest.fixture
def watch(state: State, tmp_path: Path) -> Watch:
    return Watch(state, tmp_path, FakeChat())


async def test_one_message_says_what_it_was_and_that_voices_wait(watch: Watch, state: State) -> None:
    now = await watch.outage(20)
    await state.accept(voice(1))
    await state.accept(voice(2))
    for _ in range(3):
        await watch.alert.look(now)
    (text,) = watch.texts
    assert "Telegram" in text
    assert "20 min" in text
    assert "no network" in text
    assert SAY("alert_pending", count=2) in text


async def test_when_nothing_waits_it_says_that(watch: Watch) -> None:
    await watch.alert.look(await watch.outage(20))
    assert SAY("alert_nothing_pending") in watch.texts[0]


async def test_a_short_outage_is_nobodys_business(watch: Watch, redis: Redis) -> None:
    await watch.alert.look(await watch.outage(4.9))
    assert watch.texts == []
    assert await redis.keys("vt:incidents") == []


async def test_every_incident_has_its_own_message(watch: Watch) -> None:
    await watch.alert.look(await watch.outage(20))
    await watch.alert.look(await watch.outage(30))
    assert len(watch.texts) == 2


async def test_a_message_that_could_not_be_sent_is_sent_later_and_once(watch: Watch) -> None:
    now = await watch.outage(20)
    watch.chat.trouble["send"] = [Lost("network_error", error="x")]
    with pytest.raises(Lost):
        await watch.alert.look(now)
    await watch.alert.look(now)
    await watch.alert.look(now)
    assert len(watch.texts) == 1


async def test_a_message_that_telegram_refuses_is_not_tried_for_ever(watch: Watch) -> None:
    now = await watch.outage(20)
    watch.chat.trouble["send"] = [Refused("PEER_FLOOD")]
    await watch.alert.look(now)
    await watch.alert.look(now)
    assert watch.texts == []


async def test_a_restart_after_sending_and_before_the_mark_repeats_the_same_message(
    watch: Watch, state: State, redis: Redis, tmp_path: Path
) -> None:
    """The random id is the same, so that Telegram itself refuses the second one."""
    now = await watch.outage(20)
    watch.chat.trouble["send"] = [Lost("network_error", error="x")]
    with pytest.raises(Lost):
        await watch.alert.look(now)
    before_sending = str(await redis.get("vt:incidents"))
    await watch.alert.look(now)
    await redis.set("vt:incidents", before_sending)
    restarted = Watch(state, tmp_path, watch.chat)
    await restarted.alert.load()
    await restarted.alert.look(now)
    assert len(watch.texts) == 1


async def test_a_restart_during_the_outage_does_not_lose_its_beginning(
    watch: Watch, state: State, tmp_path: Path
) -> None:
    now = time.time()
    watch.health.telegram.set(Level.DOWN, "no network")
    watch.health.telegram.since = now - ALERT_AFTER_S - 3600
    await watch.alert.look(now - 120)
    restarted = Watch(state, tmp_path, watch.chat)
    restarted.health.telegram.since = now - 60
    await restarted.alert.load()
    await restarted.alert.look(now)
    assert "1 h" in restarted.texts[0]


async def test_the_real_program_writes_to_saved_messages_and_only_once(tmp_path: Path, tiny_weights: Path) -> None:
    """What an earlier run has left to tell is told after the restart, and not again after another one."""
    async with Telegram() as telegram:
        stage = Stage(telegram, tmp_path, tiny_weights, LANGUAGE="en")
        await stage.daemon.start(wait_for="The bot is running!")
        incident = Incident("Telegram", time.time() - 7200, "no network")
        async with await stage.redis() as redis:
            await redis.set("vt:incidents", json.dumps([asdict(incident)]))
        assert await stage.daemon.stop() == 0
        await stage.daemon.start(wait_for="The bot is running!")
        await until(lambda: stage.replies(stage.owner), "the message in Saved Messages")
        assert await stage.daemon.stop() == 0
        (message,) = stage.replies(stage.owner)
        assert "Telegram was not working for 2 h" in message.text
        assert SAY("alert_nothing_pending") in message.text
        await stage.daemon.start(wait_for="The bot is running!")
        async with await stage.redis() as redis:
            assert await redis.get("vt:incidents") is None
        assert await stage.daemon.stop() == 0
        assert len(stage.replies(stage.owner)) == 1


@pytest.mark.parametrize("rubbish", ["{", "[1]", '[{"part": "x", "new": 1}]'])
async def test_rubbish_in_redis_does_not_keep_the_program_from_starting(
    watch: Watch, redis: Redis, rubbish: str
) -> None:
    await redis.set("vt:incidents", rubbish)
    await watch.alert.load()
    await watch.alert.look(time.time())
    assert watch.texts == []
