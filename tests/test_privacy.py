"""/forget and /privacy: what is kept, from the real settings, and what is left after erasing it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.people import ANNA, BORIS, GROUP, transcript, voice
from tests.test_commands import CHAT, Desk, desk
from transcriber.languages import LanguageHint
from transcriber.privacy import Places, Privacy
from transcriber.state import State
from transcriber.texts import Words
from transcriber.voice import Voice

__all__ = ["desk"]
SAY = Words("en")


async def everything_in(redis: Redis) -> str:
    """All values of all keys, as one text."""
    found = []
    for key in await redis.keys("*"):
        match await redis.type(key):
            case "hash":
                found.append(str(await redis.hgetall(key)))
            case "string":
                found.append(str(await redis.get(key)))
            case "list":
                found.append(str(await redis.lrange(key, 0, -1)))
    return "\n".join(found)


async def answered(state: State, one: Voice, text: str = "", reason: str = "") -> Voice:
    """A voice with its outcome."""
    await state.accept(one)
    if reason:
        await state.mark(one.key, "verdict", reason)
        await state.give_up(one, reason)
    else:
        await state.keep_transcript(one.key, transcript(text))
    await state.mark(one.key, "sent:0:0")
    await state.close(one, "failed" if reason else "text")
    return one


async def test_forget_in_reply_erases_only_what_that_person_said(desk: Desk, state: State, redis: Redis) -> None:
    hers = await answered(state, voice(1, chat_id=GROUP), "её тайна")
    failed = await answered(state, voice(2, chat_id=GROUP), reason="её беда")
    his = await answered(state, voice(3, chat_id=GROUP, sender_id=BORIS), "его слова")
    await state.keep_spoken(ANNA, LanguageHint("ru", 0.9, 0.0))
    await state.force_language(str(ANNA), "ru")
    await state.set_words(ANNA, "её кот")
    audio = desk.folder / f"{hers.chat_id}_{hers.message_id}.media"
    audio.write_bytes(b"sound")
    desk.chat.authors[CHAT, 7] = ANNA
    assert await desk.ask("/forget", reply_to_id=7) == SAY("forgot", name="@anna", count=2)
    left = await everything_in(redis)
    assert "её" not in left
    assert str(ANNA) not in left
    assert "его слова" in left
    assert not audio.exists()
    assert not await state.accept(hers), "its outcome is still known: it is not answered twice"
    assert not await state.accept(failed)
    assert await state.transcript(his.key) is not None


@pytest.mark.parametrize("who", ["all", "ALL", "все"])
async def test_forget_all_erases_everybody(desk: Desk, state: State, redis: Redis, who: str) -> None:
    for number in range(30):
        await answered(state, voice(number, sender_id=number + 100), f"тайна {number}")
    await state.force_language("100", "ru")
    await state.force_language("all", "de")
    await state.set_words(GROUP, "тайна")
    assert await desk.ask(f"/forget {who}") == SAY("forgot", name=SAY("forgot_everybody"), count=30)
    assert "тайна" not in await everything_in(redis)
    assert len(await redis.keys("vt:voice:*")) == 30
    assert await state.forced_languages() == {"all": "de"}, "this one says nothing about anybody"


async def test_forget_works_by_number_for_somebody_telegram_no_longer_knows(desk: Desk, state: State) -> None:
    one = await answered(state, voice(1, sender_id=4242), "слова")
    assert await desk.ask("/forget 4242") == SAY("forgot", name="4242", count=1)
    assert await state.transcript(one.key) is None


async def test_forget_without_anybody_erases_nothing_and_asks_whom(desk: Desk, state: State) -> None:
    one = await answered(state, voice(1), "слова")
    assert await desk.ask("/forget") == SAY("forget_whom")
    assert await state.transcript(one.key) is not None


async def test_a_voice_still_in_work_is_answered_and_then_leaves_nothing(
    desk: Desk, state: State, redis: Redis
) -> None:
    waiting = voice(5)
    await state.accept(waiting)
    await state.keep_transcript(waiting.key, transcript("тайна"))
    answer = await desk.ask(f"/forget {ANNA}")
    assert SAY("forgot_later", count=1) in answer
    assert await state.transcript(waiting.key) is not None, "it is needed for the answer"
    await state.mark(waiting.key, "verdict", "тайна")
    await state.give_up(waiting, "тайна")
    await state.close(waiting, "text")
    left = await everything_in(redis)
    assert "тайна" not in left
    assert not await state.accept(waiting)


async def test_with_a_lifetime_of_0_nothing_is_kept_after_the_answer(redis: Redis) -> None:
    state = State(redis, transcript_ttl_s=0)
    await answered(state, voice(1), "тайна")
    assert "тайна" not in await everything_in(redis)


async def test_a_transcript_lives_as_long_as_the_setting_says(redis: Redis) -> None:
    """Shorter than the time it is kept for its delivery, and longer than the marks."""
    for ttl_s in (3600, 400 * 86_400):
        await redis.flushall()
        one = await answered(State(redis, transcript_ttl_s=ttl_s), voice(1), "слова")
        assert ttl_s - 5 <= await redis.ttl(f"vt:transcript:{one.key}") <= ttl_s
        assert await redis.ttl(f"vt:voice:{one.key}") >= ttl_s - 5, "without its marks /forget would not find it"


async def test_forgetting_has_the_append_only_file_rewritten(desk: Desk, state: State, redis: Redis) -> None:
    await answered(state, voice(1), "слова")
    await desk.ask("/forget all")
    seconds = -1  # how long the last rewriting took
    async with asyncio.timeout(20):
        while seconds < 0:
            seconds = (await redis.info("persistence"))["aof_last_rewrite_time_sec"]
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("ttl_s", "expected"), [(0, "not kept after the answer"), (7200, "kept for 2 h"), (30 * 86_400, "kept for 30 d")]
)
async def test_privacy_tells_the_real_settings(redis: Redis, ttl_s: float, expected: str) -> None:
    places = Places(Path("/data/incoming"), Path("/data/a.session"), "redis.example", "http://127.0.0.1:9001/")
    text = Privacy(State(redis, transcript_ttl_s=ttl_s), places, SAY).text("small")
    for part in (expected, "/data/incoming", "/data/a.session", "redis.example", "http://127.0.0.1:9001/", "small"):
        assert part in text


async def test_privacy_is_a_command_and_says_when_there_is_no_page(desk: Desk) -> None:
    answer = await desk.ask("/privacy")
    assert SAY("privacy_no_page") in answer
    assert "30 d" in answer
