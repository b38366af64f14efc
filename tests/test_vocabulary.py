"""Names and terms that may come up: /words in a chat, HOTWORDS everywhere."""

from __future__ import annotations

import pytest

from tests.people import GROUP, voice
from tests.test_commands import CHAT, Desk, desk
from tests.test_pipeline import Bench, bench
from transcriber.state import State
from transcriber.texts import Words
from transcriber.vocabulary import MOST_CHARS, tidy, together

__all__ = ["bench", "desk"]
SAY = Words("en")


async def test_words_are_set_shown_and_cleared_for_the_chat_they_are_written_in(desk: Desk, state: State) -> None:
    assert await desk.ask("/words") == SAY("words", words="—")
    assert await desk.ask("/words Kirill,\n Kubernetes ,Kirill,") == SAY("words", words="Kirill, Kubernetes")
    assert await desk.ask("/words") == SAY("words", words="Kirill, Kubernetes")
    assert (await state.words(CHAT), await state.words(GROUP)) == ("Kirill, Kubernetes", "")


@pytest.mark.parametrize("off", ["-", "off", "OFF"])
async def test_words_are_cleared(desk: Desk, state: State, off: str) -> None:
    await state.set_words(CHAT, "Kirill")
    assert await desk.ask(f"/words {off}") == SAY("words_off")
    assert await state.words(CHAT) == ""


async def test_a_list_that_whispers_prompt_cannot_take_is_refused_and_the_old_one_stays(
    desk: Desk, state: State
) -> None:
    await state.set_words(CHAT, "Kirill")
    assert await desk.ask(f"/words {'я' * 201}") == SAY("words_too_long", count=201, most=MOST_CHARS)
    assert await state.words(CHAT) == "Kirill"


async def test_a_voice_is_decoded_with_the_words_of_its_chat_and_those_of_all_chats(bench: Bench) -> None:
    bench.hotwords = "Telegram, Kirill"
    await bench.state.set_words(GROUP, "Kirill, Kubernetes")
    async with bench.running():
        for one in (voice(1), voice(2, chat_id=GROUP)):
            await bench.accept(one)
            await bench.closed(one)
    assert [words for words, _ in bench.engine.manners] == ["Telegram, Kirill", "Kirill, Kubernetes, Telegram"]


def test_lists_are_tidied_and_put_together_without_repeats() -> None:
    assert tidy(" a b ,, a  b,c\t") == "a b, c"
    assert tidy(" , ") == ""
    assert together("", "") == ""
    assert together("a, b", "", "b, c") == "a, b, c"
