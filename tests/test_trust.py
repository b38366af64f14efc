"""Redis is not trusted: what somebody else wrote there is neither run nor able to stop the daemon."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # has no types
import pytest
from redis.asyncio import Redis

from tests.people import voice
from tests.test_commands import CHAT, MESSAGE, Desk
from tests.test_pipeline import Bench
from transcriber.lease import Lease
from transcriber.state import State
from transcriber.verdict import heartbeat
from transcriber.voice import Command


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._folder),)


@pytest.fixture
def bench(redis_url: str, state: State, tmp_path: Path) -> Bench:
    (tmp_path / "incoming").mkdir()
    return Bench(redis_url, state, tmp_path / "incoming")


@pytest.mark.timeout(30)
async def test_pickled_code_in_the_queue_is_never_run(bench: Bench, redis: Redis, tmp_path: Path) -> None:
    """The message is one of docket's own, with a bomb in place of its arguments."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "works")))
    assert (tmp_path / "works").exists()
    v = voice(1)
    await bench.state.accept(v)
    bomb = pickle.dumps(Bomb(tmp_path / "ran"))
    message: dict[Any, Any] = {"key": v.key, "when": datetime.now(UTC).isoformat(), "function": "_job", "attempt": "1"}
    async with bench.running():
        await redis.xadd("vt:stream", {**message, "args": bomb, "kwargs": bomb})
        assert await bench.closed(v) == "text"
    assert not (tmp_path / "ran").exists()


def test_nothing_is_unpickled_wherever_docket_would() -> None:
    """Its arguments, its strikes and its results all go through this one function."""
    assert cloudpickle.loads(pickle.dumps(["anything"])) == ()


GARBAGE = ("", "no JSON", "[]", "{}", "null", "7", '{"chat_id": "x"}', "\x00", "[" * 3_000, '"\\ud800"', "NaN")


async def test_what_is_no_voice_is_taken_off_the_books_and_the_others_are_answered(
    bench: Bench, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    v = voice(500)
    for number, line in enumerate(GARBAGE):
        await redis.hset("vt:accepted", f"1:{number}", line)
    await redis.hset("vt:accepted", "not:a:key", v.to_json())
    await redis.hset("vt:accepted", voice(501).key, voice(501, sent_at=math.nan).to_json())
    await bench.state.accept(v)
    async with bench.running():
        assert await bench.closed(v) == "text"
    assert await redis.hkeys("vt:accepted") == []
    told = [record for record in caplog.records if "/retry" in record.getMessage()]
    assert len(told) == len(GARBAGE) + 2


async def test_an_id_that_leads_to_another_folder_is_no_id(bench: Bench, redis: Redis) -> None:
    """A voice's file is named by its ids."""
    v = voice(1)
    await redis.hset("vt:accepted", "../../x:1", v.to_json().replace(str(v.chat_id), '"../../x"', 1))
    assert await bench.state.pending("../../x:1") is None
    assert await bench.state.accepted() == []


@pytest.mark.parametrize("line", GARBAGE)
async def test_a_transcript_that_makes_no_sense_is_heard_again(bench: Bench, redis: Redis, line: str) -> None:
    v = voice(1)
    await redis.set(f"vt:transcript:{v.key}", line)
    await redis.hset("vt:spoken", str(v.sender_id), line)
    async with bench.running():
        await bench.accept(v)
        assert await bench.closed(v) == "text"
    assert bench.engine.done == 1


@pytest.mark.parametrize("line", GARBAGE)
async def test_garbage_in_any_key_leaves_every_command_its_answer(
    state: State, redis: Redis, tmp_path: Path, line: str
) -> None:
    for key in (
        "vt:given_up",
        "vt:accepted",
        "vt:counters",
        "vt:totals",
        "vt:spoken",
        "vt:lang",
        "vt:last",
        "vt:drafts",
    ):
        await redis.hset(key, mapping={"at": line, "1:1": line, line: line})
    for key in ("vt:tracked", "vt:chats", "vt:cursors"):
        await redis.hset(key, mapping={"7": line, line: line, "٣": line})
    for key in ("vt:flood_until", "vt:heartbeat", "vt:incidents", "vt:model"):
        await redis.set(key, line)
    await redis.lpush("vt:errors", line)
    await redis.hset("vt:voice:../../x:1", mapping={"outcome": line, "sender": line, "heard": line})
    begun: list[Coroutine[Any, Any, None]] = []
    desk = Desk(state, tmp_path, spawn=begun.append)
    for text in ("/status", "/list", "/model", "/lang", "/words", "/retry", "/forget all", "/privacy"):
        await desk.commands.on_command(Command(CHAT, MESSAGE, text))
        await begun.pop()
        assert "❌" not in desk.chat.texts[CHAT, MESSAGE], text
    assert set(await state.tracked()) <= {7}
    assert await state.cursor(7) in (0, 7)
    assert await state.flood_until() in (0.0, 7.0)
    assert await heartbeat(redis) in (None, {}, {"chat_id": "x"})


@pytest.mark.parametrize("line", GARBAGE)
async def test_garbage_in_place_of_a_lease_is_another_instance_s(state: State, redis: Redis, line: str) -> None:
    """It runs out, as one of a killed instance does."""
    await redis.set("vt:lease", line, px=200)
    lease = Lease(state, ttl_s=1.0)
    await lease.take()
    assert lease.held
