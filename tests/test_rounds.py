"""/retry: the same messages get the better text, and there is never more than one answer to see."""

from __future__ import annotations

import pytest

from tests.people import ANNA, transcript, voice
from tests.test_pipeline import Bench, bench
from transcriber.errors import Lost, Refused, Rejected
from transcriber.retries import Retries
from transcriber.texts import Words
from transcriber.voice import Transcript

__all__ = ["bench"]
SAY = Words("ru")
ONE = voice(1)
LONG, LONGER = "Слово. " * 1500, "Слово. " * 2000


async def first(bench: Bench, heard: Transcript) -> None:
    """The voice gets its first answer."""
    bench.chat.histories[ANNA] = [ONE]
    bench.engine.heard = heard
    await bench.accept(ONE)
    await bench.closed(ONE)


async def retry(bench: Bench, heard: Transcript | None = None) -> str:
    """The owner points at it; the outcome."""
    bench.engine.heard = heard or bench.engine.heard
    retries = Retries(bench.chat, bench.state, bench.pipeline.add)
    assert await retries.again(ANNA, 1) == 1
    return await bench.closed(ONE)


async def test_the_answer_is_edited_into_what_the_strongest_settings_hear(bench: Bench) -> None:
    async with bench.running():
        await first(bench, transcript("превед"))
        assert await retry(bench, transcript("привет")) == "text"
        assert bench.chat.texts_to(1) == ["привет"]
        await retry(bench, transcript("привет!"))
    assert bench.chat.texts_to(1) == ["привет!"], "the third round finds the message of the first"
    assert [thorough for _, thorough in bench.engine.manners] == [False, True, True]


async def test_thoroughly_the_language_is_found_by_this_voice_alone(bench: Bench) -> None:
    async with bench.running():
        await first(bench, transcript(language="uk", language_probability=0.99, speech_s=8.0))
        await retry(bench)
    assert await bench.state.spoken(ANNA) is not None
    assert bench.engine.asked == [(None, None), (None, None)]


async def test_an_answer_that_was_deleted_is_posted_anew(bench: Bench) -> None:
    async with bench.running():
        await first(bench, transcript("превед"))
        bench.chat.sent.clear()
        await retry(bench, transcript("привет"))
    assert bench.chat.texts_to(1) == ["привет"]


async def test_an_answer_that_telegram_lets_nobody_edit_any_more_is_followed_by_the_new_one(bench: Bench) -> None:
    async with bench.running():
        await first(bench, transcript("превед"))
        bench.chat.trouble["revise"] = [Refused("MESSAGE_EDIT_TIME_EXPIRED")]
        assert await retry(bench, transcript("привет")) == "text"
        assert bench.chat.texts_to(1) == ["превед", "привет"]
        await retry(bench, transcript("привет!"))
    assert bench.chat.texts_to(1) == ["превед", "привет!"]


async def test_a_line_that_breaks_during_the_edit_brings_it_again_not_a_second_message(bench: Bench) -> None:
    async with bench.running():
        await first(bench, transcript("превед"))
        bench.chat.trouble["revise"] = [Lost("network_error", error="x")]
        await retry(bench, transcript("привет"))
    assert bench.chat.texts_to(1) == ["привет"]
    assert bench.engine.done == 2


async def test_the_reason_of_a_failure_is_edited_into_the_text(bench: Bench) -> None:
    async with bench.running():
        bench.engine.trouble = [Rejected("media_unreadable")]
        await first(bench, transcript("привет"))
        assert bench.chat.texts_to(1) == [SAY("media_unreadable")]
        await retry(bench)
    assert bench.chat.texts_to(1) == ["привет"]
    assert await bench.state.given_up() == {}


async def test_a_text_is_not_replaced_by_the_reason_why_there_is_no_better_one(bench: Bench) -> None:
    async with bench.running():
        await first(bench, transcript("привет"))
        bench.engine.trouble = [Rejected("media_unreadable")]
        assert await retry(bench) == "failed"
        assert bench.chat.texts_to(1) == ["привет"]
        assert list(await bench.state.given_up()) == [ONE.key], "/status counts it"
        await retry(bench, transcript("привет!"))
    assert bench.chat.texts_to(1) == ["привет!"]


@pytest.mark.parametrize(("before", "after"), [(LONG, "Слово."), ("Слово.", LONG), (LONG, LONGER)])
async def test_texts_of_several_messages_take_as_many_as_they_need_and_what_is_left_over_points_up(
    bench: Bench, before: str, after: str
) -> None:
    async with bench.running():
        await first(bench, transcript(before))
        shown = len(bench.chat.texts_to(1))
        await retry(bench, transcript(after))
    texts = bench.chat.texts_to(1)
    needed = 1 if after == "Слово." else len(texts)
    assert " ".join(texts[:needed]).split() == after.split()
    assert texts[needed:] == [SAY("part_gone")] * (shown - needed)


async def test_a_voice_answered_by_an_earlier_version_is_answered_anew(bench: Bench) -> None:
    """Marks of then hold no message id."""
    async with bench.running():
        await first(bench, transcript("превед"))
        await bench.state.mark(ONE.key, "sent:0:0", "1")
        await retry(bench, transcript("привет"))
    assert bench.chat.texts_to(1) == ["превед", "привет"]


async def test_a_copy_of_a_retried_voice_is_answered_with_the_better_text(bench: Bench) -> None:
    bench.chat.sounds = {1: b"same", 2: b"same"}
    async with bench.running():
        await first(bench, transcript("превед"))
        await retry(bench, transcript("привет"))
        await bench.accept(voice(2))
        await bench.closed(voice(2))
    assert (bench.chat.texts_to(2), bench.engine.done) == (["привет"], 2)


@pytest.mark.parametrize(("text", "shown"), [("привет", "≈ привет"), ("", SAY("no_speech"))])
async def test_a_text_that_may_be_wrong_carries_one_sign(bench: Bench, text: str, shown: str) -> None:
    async with bench.running():
        await first(bench, transcript(text, is_unsure=True))
    assert bench.chat.texts_to(1) == [shown]
