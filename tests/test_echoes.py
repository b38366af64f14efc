"""The same sound again: who gets the text that is there, and when it is decoded anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.people import ANNA, BORIS, GROUP, transcript, voice
from tests.stage import until
from tests.test_pipeline import Bench, bench
from transcriber.errors import Rejected
from transcriber.privacy import Places, Privacy
from transcriber.state import State
from transcriber.texts import Words
from transcriber.voice import Voice

__all__ = ["bench"]


def sent(message_id: int = 1, document: str = "77", **changes: int) -> Voice:
    """Anna's recording."""
    return voice(message_id, file_id=document, **changes)


def forwarded(message_id: int = 2, document: str = "77") -> Voice:
    """The same one, sent on into a group by Boris."""
    return sent(message_id, document, chat_id=GROUP, sender_id=BORIS)


async def run(bench: Bench, *voices: Voice) -> None:
    """One after the other."""
    async with bench.running():
        for one in voices:
            await bench.accept(one)
            assert await bench.closed(one) == "text"


async def test_a_forwarded_voice_is_answered_with_the_text_of_the_first_without_a_download(bench: Bench) -> None:
    async with bench.running():
        await bench.accept(sent())
        await bench.closed(sent())
        bench.chat.trouble["download"] = [AssertionError("downloaded")]
        await bench.accept(forwarded())
        assert await bench.closed(forwarded()) == "text"
    assert (bench.chat.texts_to(1), bench.chat.texts_to(2), bench.engine.done) == (["привет"], ["привет"], 1)


async def test_the_same_recording_uploaded_twice_is_decoded_once(bench: Bench) -> None:
    bench.chat.sounds = {1: b"the same", 2: b"the same", 3: b"another"}
    await run(bench, sent(1, "77"), sent(2, "78"), sent(3, "79"))
    assert bench.engine.done == 2
    assert list(bench.folder.iterdir()) == []


@pytest.mark.parametrize("again", [forwarded(), forwarded(document="78")], ids=["forwarded", "uploaded twice"])
async def test_what_comes_again_while_the_first_is_in_work_waits_for_its_text(bench: Bench, again: Voice) -> None:
    bench.chat.sounds = {1: b"the same", 2: b"the same"}
    bench.engine.gate = asyncio.Event()
    async with bench.running():
        await bench.accept(sent())
        await until(lambda: bench.engine.started)
        await bench.accept(again, voice(3))
        await until(lambda: len(list(bench.folder.glob(f"{voice(3).chat_id}_3.media"))))
        bench.engine.gate.set()
        for one in (sent(), again, voice(3)):
            assert await bench.closed(one) == "text"
    assert bench.engine.done == 2
    assert [bench.chat.texts_to(number) for number in (1, 2, 3)] == [["привет"]] * 3


async def test_when_the_first_fails_the_second_is_decoded_itself(bench: Bench) -> None:
    bench.engine.gate, bench.engine.trouble = asyncio.Event(), [Rejected("media_unreadable")]
    async with bench.running():
        await bench.accept(sent())
        await until(lambda: bench.engine.started)
        await bench.accept(forwarded())
        bench.engine.gate.set()
        assert await bench.closed(sent()) == "failed"
        assert await bench.closed(forwarded()) == "text"


async def test_when_the_work_is_stopped_both_are_answered_after_the_next_start(bench: Bench) -> None:
    bench.engine.gate = asyncio.Event()
    async with bench.running(grace_s=0.1):
        await bench.accept(sent(), forwarded())
        await until(lambda: bench.engine.started)
    assert bench.chat.sent == {}
    bench.engine.gate.set()
    async with bench.running():
        for one in (sent(), forwarded()):
            assert await bench.closed(one) == "text"
    assert [bench.chat.texts_to(1), bench.chat.texts_to(2)] == [["привет"]] * 2
    assert bench.engine.done == 1


@pytest.mark.parametrize("change", ["language", "words", "model"])
async def test_after_a_change_of_language_words_or_model_the_old_text_is_no_answer(bench: Bench, change: str) -> None:
    await run(bench, sent())
    if change == "language":
        await bench.state.force_language("all", "de")
    elif change == "words":
        await bench.state.set_words(GROUP, "Kubernetes")
    else:
        bench.engine.model = "small"
    await run(bench, forwarded())
    assert bench.engine.done == 2


async def test_a_voice_decoded_again_in_another_language_answers_no_copy_in_the_old_one(bench: Bench) -> None:
    await run(bench, sent())
    await bench.state.force_language(str(ANNA), "de")
    bench.engine.heard = transcript("hallo")
    await bench.state.reopen(sent())
    await run(bench, sent(3, "other"))  # takes up the reopened one, too
    assert await bench.closed(sent()) == "text"
    bench.engine.heard = transcript("привет")
    await run(bench, forwarded())
    assert bench.chat.texts_to(2) == ["привет"]


async def test_what_was_forgotten_answers_nobody(bench: Bench, redis: Redis) -> None:
    await run(bench, sent())
    assert await redis.keys("vt:heard:*")
    places = Places(bench.folder, bench.folder, "", "")
    await Privacy(bench.state, places, Words("ru")).forget(ANNA)
    assert await redis.keys("vt:heard:*") == []
    await run(bench, forwarded())
    assert bench.engine.done == 2


async def test_what_was_forgotten_while_in_work_answers_nobody(bench: Bench, redis: Redis) -> None:
    bench.engine.gate = asyncio.Event()
    async with bench.running():
        await bench.accept(sent())
        await until(lambda: bench.engine.started)
        await Privacy(bench.state, Places(bench.folder, bench.folder, "", ""), Words("ru")).forget(ANNA)
        bench.engine.gate.set()
        await bench.closed(sent())
    assert await redis.keys("vt:heard:*") == await redis.keys("vt:transcript:*") == []


async def test_with_a_lifetime_of_0_nothing_is_kept_to_answer_again(
    redis_url: str, redis: Redis, tmp_path: Path
) -> None:
    bench = Bench(redis_url, State(redis, transcript_ttl_s=0), tmp_path)
    await run(bench, sent())
    assert await redis.keys("vt:heard:*") == []
    await run(bench, forwarded())
    assert bench.engine.done == 2


async def test_the_names_of_sounds_live_as_long_as_the_transcripts_and_hold_nothing_people_wrote(
    bench: Bench, redis: Redis
) -> None:
    await bench.state.set_words(ANNA, "Кирилл *?[")
    await run(bench, sent(document="7 *?["))
    names = await redis.keys("vt:heard:*")
    assert len(names) == 2
    for name in map(str, names):
        assert name.removeprefix("vt:heard:").isalnum()
        assert 0 < await redis.ttl(name) <= bench.state.transcript_ttl_s
