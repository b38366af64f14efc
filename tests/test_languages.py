"""What is remembered of a sender's language, and what wins when it is heard."""

from __future__ import annotations

import pytest

from transcriber.languages import HALF_LIFE_S, MOST, LanguageHint, prefer, update

FIRM = LanguageHint("ru", MOST, 0.0)
LONG_S, SHORT_S = 10.0, 1.0


def test_without_a_memory_the_likeliest_language_is_taken_however_unsure() -> None:
    assert prefer(None, {"uk": 0.4, "ru": 0.3}, SHORT_S) == ("uk", 0.4)


@pytest.mark.parametrize(("speech_s", "probability"), [(SHORT_S, 0.99), (LONG_S, 0.6)])
def test_a_short_or_unsure_note_is_heard_in_the_remembered_language_and_changes_nothing(
    speech_s: float, probability: float
) -> None:
    assert prefer(FIRM, {"uk": probability, "ru": 0.01}, speech_s) == ("ru", 0.01)
    assert update(FIRM, "uk", probability, speech_s, 1.0) == FIRM
    assert update(None, "uk", probability, speech_s, 1.0) is None


def test_a_sure_note_is_heard_in_its_own_language() -> None:
    assert prefer(FIRM, {"en": 0.98, "ru": 0.01}, LONG_S) == ("en", 0.98)


def test_a_model_that_lacks_the_remembered_language_uses_its_own() -> None:
    assert prefer(FIRM, {"en": 1.0}, SHORT_S) == ("en", 1.0)


def test_a_change_of_language_is_followed_within_two_notes_and_one_alone_does_not_turn_a_firm_memory() -> None:
    first = update(FIRM, "en", 0.99, LONG_S, 0.0)
    assert first is not None
    assert first.language == "ru"
    second = update(first, "en", 0.99, LONG_S, 0.0)
    assert second is not None
    assert second.language == "en"


def test_a_memory_grows_firmer_and_fades() -> None:
    memory = None
    for _ in range(20):
        memory = update(memory, "ru", 0.99, LONG_S, 0.0)
    assert memory == FIRM
    faded = FIRM.aged(HALF_LIFE_S)
    assert faded is not None
    assert faded.confidence == pytest.approx(MOST / 2)
    assert FIRM.aged(3 * HALF_LIFE_S) is None


def test_a_memory_survives_redis() -> None:
    assert LanguageHint.from_json(FIRM.to_json()) == FIRM
