"""Speech or invention: loops, phrases and scores, as plain values."""

from __future__ import annotations

import numpy as np
import pytest

from transcriber.decoding import Heard
from transcriber.guard import believed, better, collapsed, is_broken, is_doubtful, is_phrase, is_silent, is_unsure


def heard(text: str, log_probability: float = -0.1, no_speech: float = 0.01, was_cut: bool = False) -> Heard:
    return Heard(text, len(text) // 4, log_probability, no_speech, was_cut)


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("Кирилл, Кирилл, Кирилл, Кирилл, Кирилл, Кирилл, Кирилл, Кирилл.", "Кирилл."),
        ("We went home. We went home. We went home. We went home. And slept.", "We went home. And slept."),
        ("Да, да, да, я понял.", "Да, да, да, я понял."),
        ("Ноль 0 0 0 0 0 0 0 0 0 0.", "Ноль 0 0 0 0 0 0 0 0 0 0."),
        ("", ""),
    ],
)
def test_loops_are_said_once_and_what_people_repeat_stays(text: str, once: str) -> None:
    assert collapsed(text) == once


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Редактор субтитров А.Семкин Корректор А.Егорова", "ru"),
        ("Продолжение следует...", "ru"),
        ("Thank you for watching! Bye.", "en"),
        ("Дякую за перегляд!", "uk"),
        ("Untertitel der Amara.org-Community", "de"),
        ("¡Suscríbete al canal!", "es"),
        ("Sous-titres réalisés para la communauté d'Amara.org", "fr"),
    ],
)
def test_known_inventions_are_dropped_only_when_the_acoustics_agree(text: str, language: str) -> None:
    assert is_phrase(text, language)
    assert believed(heard(text, log_probability=-0.4), language, 3.0) == ""
    assert believed(heard(text, no_speech=0.5), language, 3.0) == ""
    assert believed(heard(text), language, 3.0) == text


def test_a_phrase_within_a_sentence_is_speech() -> None:
    assert not is_phrase("Спасибо за внимание к деталям.", "ru")
    assert believed(heard("Thank you, I will call you back.", -0.6), "en", 3.0)


@pytest.mark.parametrize(
    "invented",
    [
        heard("..."),
        heard("As Millope made the video me.", -0.86),
        heard("I must marry. " * 9, was_cut=True),
        heard("Кирилл, " * 30),
        heard("of the hills, and of those hills, and all of the hills on the hills, " * 3),
        heard("a" * 400),
    ],
)
def test_what_is_still_broken_after_the_last_try_is_no_speech(invented: Heard) -> None:
    assert believed(invented, "en", 3.0) == ""


def test_a_loop_at_the_end_does_not_take_along_what_was_said_before() -> None:
    said = "We were at my mother's on Saturday and she asked when you are coming."
    assert believed(heard(said + " No way." * 6, was_cut=True), "en", 10.0) == f"{said} No way."
    assert believed(heard("да " * 8), "ru", 3.0).strip() == "да"


def test_words_in_a_language_that_was_only_guessed_are_believed_when_the_decoder_is_sure_of_them() -> None:
    assert believed(heard("Na em nai soina", -0.6), "la", 3.0, 0.38) == ""
    assert believed(heard("Na em nai soina", -0.6), "la", 3.0, 0.9)
    assert believed(heard("Yes, of course.", -0.2), "en", 1.0, 0.38)


def test_a_text_cut_off_is_believed_since_some_scripts_need_more_tokens() -> None:
    assert believed(heard("გამარჯობა", was_cut=True), "ka", 3.0)


def test_a_sign_of_doubt_is_for_texts_with_every_third_word_wrong() -> None:
    assert is_doubtful(heard("word", -0.55), 3.0)
    assert is_doubtful(heard("word", was_cut=True), 3.0)
    assert not is_doubtful(heard("word", -0.45), 3.0)


@pytest.mark.parametrize(
    "doubtful",
    [heard("word", -1.5), heard("word", was_cut=True), heard("a" * 400), heard("no way out. " * 9), heard("xy" * 60)],
)
def test_what_cannot_have_been_said_is_broken_and_loses_against_anything_whole(doubtful: Heard) -> None:
    assert is_broken(doubtful, 3.0)
    assert is_unsure(doubtful, 3.0)
    assert better(doubtful, heard("whole", -0.6), 3.0).text == "whole"


def test_an_unsure_text_is_worth_a_beam_and_the_surer_one_wins() -> None:
    assert is_unsure(heard("word", -0.5), 3.0)
    assert not is_broken(heard("word", -0.5), 3.0)
    assert not is_unsure(heard("word"), 3.0)
    assert better(heard("one", -0.5), heard("two", -0.4), 3.0).text == "two"


def test_next_to_nothing_is_silent_and_a_whisper_is_not() -> None:
    noise = np.random.default_rng(1).standard_normal(16_000).astype(np.float32)
    assert is_silent(noise * 1e-4)
    assert is_silent(np.empty(0, np.float32))
    assert not is_silent(noise * 3e-3)
