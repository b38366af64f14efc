"""Long texts become messages that Telegram takes."""

import random

import pytest
import regex

from transcriber.parts import PART_LIMIT, QUOTE_FROM, Part, compose, random_id, split, units

FAMILY = "👩‍👩‍👧‍👦"  # one grapheme, seven code points, eleven UTF-16 units


def test_a_short_text_is_one_plain_message() -> None:
    assert compose("Привет.") == [Part("Привет.")]


def test_an_empty_text_is_no_message_at_all() -> None:
    assert split("  \n ") == []


def test_a_cut_falls_after_a_paragraph_when_there_is_one() -> None:
    first, second = split("а" * 60 + "\n\n" + "б. " * 20, limit=100)
    assert first == "а" * 60
    assert second.startswith("б.")


def test_a_cut_falls_after_a_sentence_when_there_is_no_paragraph() -> None:
    first, second = split("слово " * 12 + "конец. Новое предложение тут и дальше", limit=100)
    assert first.endswith("конец.")
    assert second.startswith("Новое")


def test_a_cut_falls_after_a_word_when_there_is_no_sentence() -> None:
    assert split("aaaa bbbb cccc", limit=10) == ["aaaa bbbb", "cccc"]


def test_a_word_without_spaces_is_cut_between_grapheme_clusters() -> None:
    pieces = split(FAMILY * 20, limit=25)
    assert all(piece == FAMILY * 2 for piece in pieces)


@pytest.mark.parametrize("limit", [20, 33, 64, 4096])
def test_no_piece_is_too_long_and_no_word_is_lost(limit: int) -> None:
    """Random mixes of words, sentences, paragraphs and emoji, with a fixed seed."""
    source = random.Random(limit)
    words = ["да", "нет.", "хорошо,", FAMILY, "ё" * 9, "é́", "Конец!\n\n", "🇷🇺"]
    text = " ".join(source.choices(words, k=3000)).strip()
    pieces = split(text, limit)
    assert all(0 < units(piece) <= limit for piece in pieces)
    assert regex.findall(r"\S", "".join(pieces)) == regex.findall(r"\S", text)


def test_ten_thousand_characters_become_three_folded_messages() -> None:
    text = "Это предложение. " * 600
    messages = compose(text.strip(), before="🕓 late", after="⚠️ cut")
    assert len(messages) == 3
    assert all(units(message.text) <= PART_LIMIT for message in messages)
    assert messages[0].text.startswith("🕓 late\nЭто")
    assert messages[-1].text.endswith("\n⚠️ cut")


def test_a_quote_covers_the_transcript_and_not_the_notes() -> None:
    (message,) = compose("я" * (QUOTE_FROM + 1), before="🕓 late", after="⚠️ cut")
    assert message.quote is not None
    offset, length = message.quote
    quoted = message.text.encode("utf-16-le")[offset * 2 : (offset + length) * 2].decode("utf-16-le")
    assert quoted == "я" * (QUOTE_FROM + 1)


def test_a_text_at_the_border_is_not_folded() -> None:
    (message,) = compose("я" * QUOTE_FROM)
    assert message.quote is None


def test_random_ids_repeat_for_the_same_part_and_differ_for_others() -> None:
    ids = {random_id(key, round_, index) for key in ("1:2", "12:") for round_ in (0, 1) for index in (0, 1)}
    assert len(ids) == 8
    assert random_id("1:2", 0, 0) == random_id("1:2", 0, 0)
    assert all(-(2**63) <= value < 2**63 for value in ids)
