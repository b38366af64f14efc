"""The durable job, on a real Redis and a real queue, with a small engine and small chats."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.people import ANNA, BORIS, FakeChat, FakeEngine, transcript, voice
from tests.stage import until
from transcriber.answer import LATE_AFTER_S, Answer
from transcriber.drafts import Drafts
from transcriber.errors import Gone, Lost, Refused, Rejected, RetryLater
from transcriber.job import Job
from transcriber.pipeline import Pipeline
from transcriber.state import State
from transcriber.texts import Words
from transcriber.voice import Voice


class Bench:
    """A pipeline that can be started, stopped and killed."""

    def __init__(self, url: str, state: State, folder: Path) -> None:
        self.state = state
        self.chat = FakeChat()
        self.engine = FakeEngine()
        self.folder = folder
        self._url = url
        self.attempts = 3
        self.hotwords = ""
        self.drafts = Drafts(state, "")
        self.pipeline = self._new()
        self.closing = asyncio.Event()

    def _new(self) -> Pipeline:
        answer = Answer(self.chat, self.state, Words("ru"))
        self.job = Job(
            self.state,
            self.engine,
            self.chat,
            answer,
            folder=self.folder,
            attempts=self.attempts,
            max_bytes=1000,
            hotwords=self.hotwords,
            drafts=self.drafts,
        )
        return Pipeline(self._url, self.state, self.job, redelivery_s=300.0)

    @property
    def waiting_for_a_turn(self) -> int:
        """How many voices are ready for the engine, which has another in work."""
        return len(self.job._turns._waiting)

    @asynccontextmanager
    async def running(self, grace_s: float = 2.0) -> AsyncIterator[Pipeline]:
        self.pipeline, self.closing = self._new(), asyncio.Event()
        task = asyncio.create_task(self.pipeline.run(self.closing, grace_s=grace_s))
        await until(lambda: self.pipeline.is_open or task.done())
        try:
            yield self.pipeline
        finally:
            self.closing.set()
            await task

    async def accept(self, *voices: Voice) -> None:
        for each in voices:
            assert await self.state.accept(each)
            await self.pipeline.add(each)

    async def closed(self, each: Voice) -> str:
        """Wait for the outcome of a voice."""
        while True:
            marks = await self.state.marks(each.key)
            if "outcome" in marks:
                return marks["outcome"]
            await asyncio.sleep(0.02)


@pytest.fixture
def bench(redis_url: str, state: State, tmp_path: Path) -> Bench:
    return Bench(redis_url, state, tmp_path)


async def test_a_voice_gets_its_text_as_a_reply(bench: Bench) -> None:
    v = voice(1)
    async with bench.running():
        await bench.accept(v)
        assert await bench.closed(v) == "text"
    assert bench.chat.texts_to(1) == ["привет"]
    assert await bench.state.accepted() == []


async def test_the_eyes_are_shown_while_in_work_and_then_taken_back(bench: Bench) -> None:
    v, bench.engine.gate = voice(1), asyncio.Event()
    async with bench.running():
        await bench.accept(v)
        await until(lambda: bench.chat.reactions.get((ANNA, 1)) == "👀")
        bench.engine.gate.set()
        await bench.closed(v)
    assert bench.chat.reactions[ANNA, 1] == ""


async def test_the_audio_is_deleted_as_soon_as_it_is_transcribed(bench: Bench) -> None:
    v = voice(1)
    async with bench.running():
        await bench.accept(v)
        await bench.closed(v)
    assert list(bench.folder.iterdir()) == []


async def test_silence_is_answered_with_no_speech(bench: Bench) -> None:
    v, bench.engine.heard = voice(1), transcript("")
    async with bench.running():
        await bench.accept(v)
        assert await bench.closed(v) == "no_speech"
    assert bench.chat.texts_to(1) == [Words("ru")("no_speech")]


async def test_audio_shorter_than_announced_says_so_below_the_text(bench: Bench) -> None:
    v, bench.engine.heard = voice(1, duration_s=11), transcript("половина", cut_short=True, duration_s=5)
    async with bench.running():
        await bench.accept(v)
        await bench.closed(v)
    (text,) = bench.chat.texts_to(1)
    assert text.startswith("половина\n")
    assert "5 с" in text


async def test_a_late_answer_says_that_it_is_late(bench: Bench) -> None:
    v = voice(1, sent_at=time.time() - LATE_AFTER_S - 60)
    async with bench.running():
        await bench.accept(v)
        await bench.closed(v)
    assert bench.chat.texts_to(1)[0].startswith("🕓")


@pytest.mark.parametrize("cause", [Rejected("too_large", limit_mb=1), Rejected("attempts_used_up")])
async def test_a_rejected_voice_is_answered_with_the_reason_and_can_be_retried(bench: Bench, cause: Rejected) -> None:
    v, bench.engine.trouble = voice(1), [cause]
    async with bench.running():
        await bench.accept(v)
        assert await bench.closed(v) == "failed"
    assert bench.chat.texts_to(1) == [Words("ru").error(cause)]
    assert list(await bench.state.given_up()) == [v.key]


async def test_a_file_over_the_limit_is_refused_without_a_download(bench: Bench) -> None:
    v = voice(1, size_bytes=1001)
    bench.chat.trouble["download"] = [AssertionError("downloaded")]
    async with bench.running():
        await bench.accept(v)
        assert await bench.closed(v) == "failed"
    assert bench.chat.trouble["download"]


@pytest.mark.parametrize("cause", [Gone("message_gone"), Refused("MESSAGE_ID_INVALID")])
async def test_a_deleted_voice_is_dropped_without_a_word(bench: Bench, cause: Exception) -> None:
    v, bench.chat.trouble["download"] = voice(1), [cause]
    async with bench.running():
        await bench.accept(v)
        assert await bench.closed(v) == "gone"
    assert bench.chat.sent == {}


@pytest.mark.parametrize(
    "cause", [Lost("network_error", error="x"), RetryLater("flood_wait", after_s=0.1, seconds=1), OSError(28, "full")]
)
async def test_what_is_not_the_voices_fault_is_tried_again_without_a_count(
    bench: Bench, cause: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transcriber.job._DISK_RETRY_S", 0.1)
    v, bench.chat.trouble["download"] = voice(1), [cause] * 5
    async with bench.running():
        await bench.accept(v)
        assert await bench.closed(v) == "text"
    assert "failures" not in await bench.state.marks(v.key)


async def test_a_voice_that_fails_again_and_again_is_given_up_with_a_word(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transcriber.job.AGAIN_S", (0.05,))
    v, bench.chat.trouble["download"] = voice(1), [ValueError("?")] * 99
    async with bench.running():
        await bench.accept(v)
        assert await bench.closed(v) == "failed"
    assert bench.chat.texts_to(1) == [Words("ru")("attempts_used_up")]


async def test_a_chat_that_takes_no_answer_does_not_keep_the_voice_for_ever(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transcriber.job.AGAIN_S", (0.05,))
    v, bench.chat.trouble["send"] = voice(1), [Refused("CHAT_WRITE_FORBIDDEN")] * 99
    async with bench.running():
        await bench.accept(v)
        assert await bench.closed(v) == "failed"
    assert list(await bench.state.given_up()) == [v.key]


async def test_a_failed_reply_is_repeated_without_transcribing_twice(bench: Bench) -> None:
    v, bench.chat.trouble["send"] = voice(1), [Lost("network_error", error="x")]
    async with bench.running():
        await bench.accept(v)
        await bench.closed(v)
    assert bench.engine.done == 1
    assert bench.chat.texts_to(1) == ["привет"]


async def test_only_the_parts_that_were_not_delivered_are_sent_again(bench: Bench) -> None:
    v, bench.engine.heard = voice(1), transcript("Слово. " * 1500)
    sends = 0
    original = bench.chat.send

    async def second_one_fails(*args: object, **kwargs: object) -> int:
        nonlocal sends
        sends += 1
        if sends == 2:
            raise Lost("network_error", error="x")
        return await original(*args, **kwargs)  # type: ignore[arg-type]

    bench.chat.send = second_one_fails  # type: ignore[method-assign]
    async with bench.running():
        await bench.accept(v)
        await bench.closed(v)
    assert (sends, len(bench.chat.texts_to(1))) == (4, 3)


async def test_a_stop_lets_the_transcription_in_hand_finish(bench: Bench) -> None:
    v, bench.engine.gate = voice(1), asyncio.Event()
    async with bench.running(grace_s=10):
        await bench.accept(v)
        await until(lambda: bench.engine.started)
        asyncio.get_running_loop().call_later(0.2, bench.engine.gate.set)
    assert bench.chat.texts_to(1) == ["привет"]


async def test_what_does_not_finish_in_time_is_done_by_the_next_start_at_once(bench: Bench) -> None:
    voices = [voice(i) for i in range(1, 5)]
    bench.engine.gate = asyncio.Event()
    async with bench.running(grace_s=0.1):
        await bench.accept(*voices)
        await until(lambda: bench.engine.started)
    assert bench.chat.sent == {}
    bench.engine.gate.set()
    async with bench.running():
        started = time.monotonic()
        for v in voices:
            assert await bench.closed(v) == "text"
        assert time.monotonic() - started < 60, "waited for the lease of 300 s"
    assert [bench.chat.texts_to(i) for i in range(1, 5)] == [["привет"]] * 4


async def test_an_accepted_voice_that_never_reached_the_queue_is_found_at_the_next_start(bench: Bench) -> None:
    v = voice(1)
    assert await bench.state.accept(v)  # and the process died before `add`
    async with bench.running():
        assert await bench.closed(v) == "text"


async def test_a_voice_queued_twice_is_answered_once(bench: Bench) -> None:
    v = voice(1)
    async with bench.running():
        await bench.accept(v)
        await bench.pipeline.add(v)
        await bench.closed(v)
        assert not await bench.state.accept(v)
        await bench.pipeline.add(v)
        other = voice(2)
        await bench.accept(other)
        await bench.closed(other)
    assert bench.engine.done == 2


async def test_voices_are_transcribed_in_the_order_they_were_sent_however_the_downloads_end(bench: Bench) -> None:
    now = time.time()
    voices = [voice(i, sent_at=now + i) for i in range(1, 7)]
    bench.engine.gate = asyncio.Event()
    async with bench.running():
        await bench.accept(*reversed(voices))
        await until(lambda: bench.waiting_for_a_turn == len(voices) - 1)
        bench.engine.gate.set()
        for v in voices:
            await bench.closed(v)
    first, *others = [reply_to for _, reply_to, _ in bench.chat.sent.values()]
    assert others == sorted(others), f"{first} was in work when the others came"


async def test_status_knows_how_many_wait_and_for_how_long(bench: Bench) -> None:
    bench.engine.gate = asyncio.Event()
    async with bench.running(grace_s=0):
        await bench.accept(voice(1, sent_at=time.time() - 100), voice(2))
        count, age_s = await bench.pipeline.waiting()
    assert count == 2
    assert 100 <= age_s < 110


async def test_a_senders_language_is_learned_from_sure_notes_and_offered_to_the_engine(bench: Bench) -> None:
    sure: dict[str, Any] = {"language_probability": 0.99, "speech_s": 8.0}
    notes: list[tuple[str, dict[str, Any]]] = [
        ("ru", sure),
        ("uk", {"language_probability": 0.4, "speech_s": 1.0}),
        ("en", sure),
        ("en", sure),
    ]
    async with bench.running():
        for number, (language, scores) in enumerate(notes, 1):
            bench.engine.heard = transcript(language=language, **scores)
            await bench.accept(voice(number))
            await bench.closed(voice(number))
        await bench.accept(voice(9))
        await bench.closed(voice(9))
    assert bench.engine.asked == [(None, None), (None, "ru"), (None, "ru"), (None, "en"), (None, "en")]


async def test_a_language_set_for_a_person_wins_over_the_one_for_all_and_teaches_nothing(bench: Bench) -> None:
    await bench.state.force_language("all", "de")
    await bench.state.force_language(str(BORIS), "uk")
    bench.engine.heard = transcript(language="de", language_probability=1.0, speech_s=8.0)
    async with bench.running():
        for v in (voice(1), voice(2, sender_id=BORIS)):
            await bench.accept(v)
            await bench.closed(v)
    assert bench.engine.asked == [("de", None), ("uk", None)]
    assert await bench.state.spoken(ANNA) is None
