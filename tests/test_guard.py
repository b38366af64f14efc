"""Speech or invention: loops, phrases and scores, as plain values."""

from __future__ import annotations

import numpy as np
import pytest

from transcriber.decoding import Heard
from transcriber.guard import believed, better, collapsed, is_broken, is_phrase, is_silent, is_unsure


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
    assert believed(heard(text, log_probability=-0.5), language) == ""
    assert believed(heard(text, no_speech=0.5), language) == ""
    assert believed(heard(text), language) == text


def test_a_phrase_within_a_sentence_is_speech() -> None:
    assert not is_phrase("Спасибо за внимание к деталям.", "ru")
    assert believed(heard("Thank you, I will call you back.", -0.9), "en")


def test_neither_punctuation_nor_what_the_decoder_itself_takes_for_silence_is_speech() -> None:
    assert believed(heard("..."), "en") == ""
    assert believed(heard("something", log_probability=-1.2, no_speech=0.9), "en") == ""


@pytest.mark.parametrize(
    "doubtful",
    [heard("word", -1.5), heard("word", was_cut=True), heard("a" * 400), heard("no way out. " * 9), heard("xy" * 60)],
)
def test_what_cannot_have_been_said_is_broken_and_loses_against_anything_whole(doubtful: Heard) -> None:
    assert is_broken(doubtful, 3.0)
    assert is_unsure(doubtful, 3.0)
    assert better(doubtful, heard("whole", -0.9), 3.0).text == "whole"


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
