"""Healthy or not: the rules, the heartbeat they are read from, and the `health` command of the real program."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from sandbox import Telegram
from tests.people import FakeChat, FakeEngine, voice
from tests.stage import Stage
from transcriber.errors import Gone, Lost, Refused, Rejected, RetryLater
from transcriber.health import HEARTBEAT, Health, Level, fall_silent
from transcriber.parts import Part
from transcriber.pulse import Pulse, Watched
from transcriber.redis_client import connect
from transcriber.state import State
from transcriber.texts import Words
from transcriber.verdict import STUCK_AFTER_S, examine, verdict

SAY = Words("en")
NOW = 1_800_000_000.0


def beat(waiting: int = 0, still_s: float = 0.0, **parts: tuple[str, str]) -> dict[str, Any]:
    """A heartbeat in which everything is well but for what is said."""
    everything = dict.fromkeys(("Telegram", "Redis", "Whisper", "Disk"), ("OK", "")) | parts
    facts = {name: {"level": level, "reason": reason, "since": NOW} for name, (level, reason) in everything.items()}
    return {"at": NOW, "parts": facts, "waiting": waiting, "head_age_s": still_s, "moved_at": NOW - still_s}


@pytest.mark.parametrize(
    ("facts", "well", "says"),
    [
        (beat(), True, "well"),
        (beat(waiting=5, still_s=STUCK_AFTER_S - 1), True, "waiting: 5"),
        (beat(waiting=0, still_s=1e6), True, "well"),
        (beat(waiting=5, still_s=STUCK_AFTER_S + 61), False, "has not moved for 11 min"),
        (beat(waiting=5, still_s=STUCK_AFTER_S + 1, Disk=("DEGRADED", "3 MB free")), False, "3 MB free"),
        (beat(Disk=("DEGRADED", "3 MB free")), True, "well"),
        (beat(Telegram=("DOWN", "no network")), False, "Telegram: DOWN. no network"),
        (None, False, "not running"),
    ],
)
def test_unhealthy_is_what_a_person_would_call_broken(facts: dict[str, Any] | None, well: bool, says: str) -> None:
    verdict_, sentence = verdict(SAY, facts, NOW)
    assert verdict_ is well
    assert says in sentence
    assert "\n" not in sentence


async def test_the_heartbeat_holds_the_facts_and_does_not_outlive_the_program(
    state: State, redis: Redis, tmp_path: Path
) -> None:
    health = Health(state, tmp_path, lambda: None)
    health.telegram.set(Level.OK)
    await state.accept(voice(1, sent_at=time.time() - 90))
    await health.check()
    written = json.loads(str(await redis.get(HEARTBEAT)))
    assert written["waiting"] == 1
    assert 90 <= written["head_age_s"] < 95
    assert written["parts"]["Telegram"]["level"] == "OK"
    assert 0 < await redis.ttl(HEARTBEAT) <= 30
    assert verdict(SAY, written, time.time())[0]
    await fall_silent(state)
    assert await redis.get(HEARTBEAT) is None


async def test_a_voice_that_comes_after_hours_of_silence_is_no_stuck_queue(state: State, tmp_path: Path) -> None:
    pulse = Pulse()
    pulse.moved_at -= 5 * 3600
    health = Health(state, tmp_path, lambda: None, pulse)
    health.telegram.set(Level.OK)
    health.telegram.since -= 86_400
    health.redis.since -= 86_400
    await state.accept(voice(1, sent_at=time.time() - 7200))  # found by catch-up
    assert verdict(SAY, await health.beat(), time.time())[0]


async def test_a_queue_that_does_not_move_is_noticed(state: State, tmp_path: Path) -> None:
    pulse = Pulse()
    health = Health(state, tmp_path, lambda: None, pulse)
    health.telegram.set(Level.OK)
    await state.accept(voice(1))
    await health.beat()
    later = time.time() + STUCK_AFTER_S + 60
    assert not verdict(SAY, await health.beat(), later)[0]
    pulse.rest(STUCK_AFTER_S)  # Telegram asked for it: that is no fault
    assert verdict(SAY, await health.beat(), later)[0]


async def test_ten_thousand_waiting_voices_do_not_hold_up_the_event_loop(
    state: State, redis: Redis, tmp_path: Path
) -> None:
    lines: list[str] = []
    for number in range(10_000):
        one = voice(number)
        lines += [one.key, one.to_json()]
    await redis.hset("vt:accepted", items=lines)
    health, longest_s, running = Health(state, tmp_path, lambda: None), 0.0, True

    async def clock() -> None:
        nonlocal longest_s
        while running:
            started_s = time.thread_time()  # a busy machine is not our fault
            await asyncio.sleep(0)
            longest_s = max(longest_s, time.thread_time() - started_s)

    ticking = asyncio.create_task(clock())
    await asyncio.sleep(0)
    assert (await health.beat())["waiting"] == 10_000
    running = False
    await ticking
    assert longest_s < 0.05


class Steps:
    """The pipeline's helpers, watched."""

    def __init__(self) -> None:
        self.engine, self.chat, self.pulse = FakeEngine(), FakeChat(), Pulse()
        self.errors: list[str] = []
        self.pulse.moved_at = 0.0
        self.watched = Watched(
            self.engine, self.chat, self.pulse, lambda where, error: self.errors.append(where), self._heard
        )

    async def _heard(self, transcript: object) -> None:
        pass

    async def send(self) -> None:
        """Send something."""
        await self.watched.send(1, Part("x"), reply_to=1, random_id=1)


async def test_a_delivered_part_is_a_step() -> None:
    steps = Steps()
    await steps.send()
    assert steps.pulse.moved_at > 0


@pytest.mark.parametrize("error", [Lost("network_error", error="x"), Gone("message_gone")])
async def test_what_is_nobodys_fault_is_neither_a_step_nor_an_error(error: Exception) -> None:
    steps = Steps()
    steps.chat.trouble["send"] = [error]
    with pytest.raises(type(error)):
        await steps.send()
    assert (steps.pulse.moved_at, steps.errors) == (0.0, [])


async def test_a_pause_that_telegram_asked_for_is_rest() -> None:
    steps = Steps()
    steps.chat.trouble["send"] = [RetryLater("flood_wait", after_s=900, seconds=900)]
    with pytest.raises(RetryLater):
        await steps.send()
    assert steps.pulse.resting_until > time.time() + 800
    assert steps.errors == []


async def test_a_full_disk_is_an_error_but_no_step_and_a_refusal_is_both() -> None:
    steps = Steps()
    steps.chat.trouble["download"] = [OSError(28, "No space left on device")]
    with pytest.raises(OSError, match="No space"):
        await steps.watched.download(voice(1), Path())
    assert (steps.pulse.moved_at, steps.errors) == (0.0, ["Disk"])
    steps.chat.trouble["send"] = [Refused("CHAT_WRITE_FORBIDDEN")]
    with pytest.raises(Refused):
        await steps.send()
    assert steps.errors == ["Disk", "Telegram"]
    assert steps.pulse.moved_at > 0


async def test_a_broken_file_is_noted_under_whisper(tmp_path: Path) -> None:
    class Engine:
        model = "base"

        def wake(self) -> None: ...

        async def transcribe(self, media: Path, **_: Any) -> Any:
            raise Rejected("media_empty")

    steps = Steps()
    watched = Watched(Engine(), steps.chat, steps.pulse, lambda where, _: steps.errors.append(where), steps._heard)
    with pytest.raises(Rejected):
        await watched.transcribe(tmp_path)
    assert steps.errors == ["Whisper"]


async def test_without_a_redis_the_sentence_says_so(tmp_path: Path) -> None:
    well, sentence = await examine(SAY, f"unix://{tmp_path}/nothing.sock")
    assert not well
    assert sentence.startswith("Redis does not answer")
    assert await examine(SAY, None) == (False, SAY("health_no_heartbeat"))


@pytest.mark.parametrize("rubbish", ["[]", "1700000000.0", "null"])
async def test_a_heartbeat_of_another_kind_is_none(redis_url: str, rubbish: str) -> None:
    async with connect(redis_url) as redis:
        await redis.flushall()
        await redis.set(HEARTBEAT, rubbish)
        assert await examine(SAY, redis_url) == (False, SAY("health_no_heartbeat"))


async def test_the_command_tells_a_running_program_from_one_without_telegram_and_from_none(
    tmp_path: Path, base_weights: Path
) -> None:
    async with Telegram() as telegram:
        stage = Stage(telegram, tmp_path, base_weights, LANGUAGE="en", RECONNECT_PAUSES="60", PING_INTERVAL="0.5")
        await stage.daemon.start(wait_for="The bot is running!")

        async def health(expected: int) -> str:
            """The sentence, once the exit code is the expected one."""
            code, deadline = -1, time.monotonic() + 25
            while code != expected:
                code, sentence = await stage.daemon.ask("health")
                assert time.monotonic() < deadline, sentence
            return sentence.strip()

        assert await health(0) == f"✅ {SAY('health_ok', count=0)}"
        telegram.faults.refuse(60)
        await stage.daemon.line("Reconnecting in")
        assert (await health(1)).startswith("❌ Telegram: DOWN")
        assert await stage.daemon.stop() == 0
        assert await health(1) == f"❌ {SAY('health_no_heartbeat')}"
