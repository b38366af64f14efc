"""Draft now, better later: what is edited, what is left alone, and that it gives way to every voice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.people import ANNA, BORIS, FakeEngine, transcript, voice
from tests.stage import until
from tests.test_pipeline import Bench, bench
from transcriber.answer import LATE_AFTER_S, Answer
from transcriber.drafts import MAX_AGE_S, MOST, Drafts, is_really_different
from transcriber.errors import Lost, ModelUnavailable, Refused
from transcriber.refiner import Refiner
from transcriber.state import State
from transcriber.tasks import end
from transcriber.texts import Words
from transcriber.voice import Transcript, Voice

__all__ = ["bench"]
SAY = Words("ru")
DRAFT, BETTER = "мама мыла ламу", "мама мыла раму"


@dataclass
class Stronger(FakeEngine):
    """Loads when asked, and knows how often it was let go."""

    model: str = ""
    loads: int = 0
    closed: int = 0
    heard: Transcript = field(default_factory=lambda: transcript(BETTER))

    async def load(self, name: str, *, trusted: bool = False, must_fit: bool = False, **_: Any) -> None:
        assert must_fit
        self.loads += 1
        await super().load(name)

    async def close(self) -> None:
        self.closed += 1
        self.model = ""


class Study:
    """A refiner beside a pipeline."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.engine = Stronger()
        self.drafts = bench.drafts = Drafts(bench.state, "small")
        bench.engine.heard = transcript(DRAFT)

    @asynccontextmanager
    async def open(self, quiet_s: float = 0.02, *, may_load: bool = True) -> AsyncIterator[Refiner]:
        bench = self.bench
        answer = Answer(bench.chat, bench.state, SAY)
        refiner = Refiner(
            *(bench.state, self.drafts, bench.chat, answer, lambda: self.engine, SAY),
            folder=bench.folder,
            may_load=lambda: may_load,
            quiet_s=quiet_s,
        )
        running = asyncio.create_task(refiner.run())
        try:
            yield refiner
        finally:
            await end(running)

    async def answered(self, *voices: Voice) -> None:
        """Voices with their first answers."""
        async with self.bench.running():
            for one in voices:
                await self.bench.accept(one)
                await self.bench.closed(one)

    async def worked_off(self) -> None:
        """Wait until nothing is left to hear again."""
        done = self.engine.closed
        await until(lambda: self.engine.closed > done)
        assert await self.drafts.newest() is None

    def texts(self) -> list[str]:
        """What the first voice was answered."""
        return self.bench.chat.texts_to(1)


@pytest.fixture
def study(bench: Bench) -> Study:
    return Study(bench)


async def test_a_really_better_text_is_edited_in_and_answers_copies_from_then_on(study: Study) -> None:
    study.bench.chat.sounds = {1: b"same", 2: b"same"}
    await study.answered(voice(1))
    async with study.open():
        await study.worked_off()
    assert study.texts() == [BETTER]
    assert study.engine.manners == [("", True)]
    await study.answered(voice(2))
    assert study.bench.chat.texts_to(2) == [BETTER]
    assert study.bench.engine.done == 1


async def test_the_stronger_model_is_loaded_for_its_work_only_and_no_sound_is_left(study: Study) -> None:
    await study.answered(voice(1), voice(2))
    async with study.open():
        await study.worked_off()
    assert (study.engine.loads, study.engine.closed, study.engine.done) == (1, 1, 2)
    assert [file for file in study.bench.folder.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("heard", [transcript("Мама, мыла ламу!"), transcript("")])
async def test_the_same_words_or_none_edit_nothing(study: Study, heard: Transcript) -> None:
    study.engine.heard = heard
    await study.answered(voice(1))
    async with study.open():
        await study.worked_off()
    assert study.texts() == [DRAFT]


async def test_an_answer_that_the_owner_changed_or_deleted_stays_as_it_is(study: Study) -> None:
    await study.answered(voice(1), voice(2))
    first, second = study.bench.chat.ids
    chat, reply_to, part = study.bench.chat.sent[study.bench.chat.ids[first]]
    await study.bench.chat.edit(chat, first, "")
    study.bench.chat.sent[study.bench.chat.ids[first]] = (chat, reply_to, type(part)("моё"))
    del study.bench.chat.sent[study.bench.chat.ids[second]]
    async with study.open():
        await study.worked_off()
    assert study.texts() == ["моё"]
    assert study.bench.chat.texts_to(2) == []


@pytest.mark.parametrize("why", ["late", "several messages"])
async def test_late_answers_and_those_of_several_messages_are_left_alone(study: Study, why: str) -> None:
    late = time.time() - LATE_AFTER_S - 60
    if why == "several messages":
        study.bench.engine.heard = transcript("Слово. " * 1500)
    await study.answered(voice(1, sent_at=late if why == "late" else time.time()))
    before = study.texts()
    async with study.open():
        await study.worked_off()
    assert study.texts() == before


async def test_a_new_voice_goes_first_at_once_and_the_draft_is_heard_afterwards(study: Study) -> None:
    await study.answered(voice(1))
    study.engine.gate = asyncio.Event()
    async with study.open() as refiner, study.bench.running():
        await until(lambda: study.engine.started)
        refiner.make_way()
        await until(lambda: study.engine.closed)
        await study.bench.accept(voice(2))
        await study.bench.closed(voice(2))
        assert study.engine.done == 0
        study.engine.gate.set()
        await study.worked_off()
    assert study.texts() == [BETTER]
    assert study.bench.chat.texts_to(2) == [BETTER]


@pytest.mark.parametrize("why", ["a voice is in work", "the other model is put away"])
async def test_while_its_room_is_needed_nothing_is_heard_again(study: Study, why: str) -> None:
    await study.answered(voice(1))
    if why == "a voice is in work":
        await study.bench.state.accept(voice(2))
    async with study.open(may_load=why != "the other model is put away") as refiner:
        refiner.make_way()
        for _ in range(10):
            assert not await refiner._has_time()
    assert study.engine.loads == 0


async def test_without_room_for_its_model_it_waits_and_says_so(study: Study, caplog: pytest.LogCaptureFixture) -> None:
    study.engine.refuses["small"] = ModelUnavailable("model_no_memory", model="small")
    await study.answered(voice(1))
    async with study.open():
        await until(lambda: study.engine.closed)
    assert SAY("model_no_memory", model="small") in caplog.text
    assert study.texts() == [DRAFT]
    assert await study.drafts.newest() is not None


@pytest.mark.parametrize(("where", "error"), [("download", Lost("network_error", error="x")), ("revise", Refused("X"))])
async def test_trouble_harms_nothing(study: Study, where: str, error: Exception) -> None:
    await study.answered(voice(1))
    study.bench.chat.trouble[where] = [error]
    async with study.open():
        await until(lambda: study.engine.closed)
    assert study.texts() == [DRAFT]


async def test_what_a_killed_run_has_left_is_deleted_at_the_start(study: Study) -> None:
    left = study.bench.folder / "again" / "1_1.media"
    left.parent.mkdir()
    left.write_bytes(b"sound")
    async with study.open(quiet_s=60):
        await until(lambda: not left.exists())


async def test_a_retried_voice_is_not_heard_a_third_time(study: Study) -> None:
    await study.bench.state.accept(voice(1))
    await study.bench.state.reopen(voice(1), thorough=True)
    async with study.bench.running():
        await study.bench.closed(voice(1))
    await study.answered(voice(2))
    assert await study.bench.state.redis.hkeys("vt:drafts") == [voice(2).key]


async def test_a_better_text_of_what_was_forgotten_meanwhile_is_not_kept(state: State, redis: Redis) -> None:
    await state.improve(voice(1).key, transcript(BETTER))
    assert await redis.keys("*") == []
    await state.keep_transcript(voice(1).key, transcript(DRAFT))
    await state.close(voice(1), "text")
    await state.improve(voice(1).key, transcript(BETTER))
    assert await state.transcript(voice(1).key) == transcript(BETTER)
    assert await redis.ttl(f"vt:transcript:{voice(1).key}") > 0


async def test_the_list_is_short_young_and_forgets(state: State, redis: Redis) -> None:
    drafts, now = Drafts(state, "small"), time.time()
    for number in range(MOST + 5):
        await drafts.add(voice(number, sent_at=now + number, sender_id=ANNA if number % 2 else BORIS), transcript())
    await drafts.add(voice(99, sent_at=now + 99), transcript(model="small"))
    await drafts.add(voice(99, sent_at=now + 99), transcript(""))
    newest = await drafts.newest()
    assert newest is not None
    assert newest.message_id == MOST + 4
    assert await redis.hlen("vt:drafts") == MOST
    assert not await redis.hexists("vt:drafts", voice(0).key)
    assert 0 < await redis.ttl("vt:drafts") <= MAX_AGE_S
    await drafts.forget(ANNA)
    assert await redis.hlen("vt:drafts") == MOST // 2
    await drafts.forget(None)
    await drafts.add(voice(1, sent_at=now - MAX_AGE_S - 1), transcript())
    assert await drafts.newest() is None


@pytest.mark.parametrize(
    ("old", "new", "different"),
    [
        ("мама мыла ламу", "мама мыла раму", True),
        ("Ещё, раз.", "еще раз", False),
        ("слово " * 40, "слово " * 39 + "дело", False),
        ("слово " * 40, "слово " * 36 + "дело " * 4, True),
        ("one two", "two one", True),
        ("", "", False),
    ],
)
def test_what_counts_as_really_different(old: str, new: str, different: bool) -> None:
    assert is_really_different(old, new) == different
