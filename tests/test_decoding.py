"""The decoder on real weights: what CTranslate2 is told, and what it makes of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from transcriber.decoding import Decoder
from transcriber.media import Samples, Sound


@pytest.fixture(scope="module")
def decoder(tiny_weights: Path) -> Decoder:
    """Whisper tiny.en, without the engine around it."""
    from faster_whisper import WhisperModel

    return Decoder(WhisperModel(str(tiny_weights), device="cpu", compute_type="int8", cpu_threads=2))


def samples(file: Path) -> Samples:
    with Sound(file) as sound:
        return next(sound.pieces(30.0))


def test_a_decoding_ends_exactly_at_its_limit_and_says_so(decoder: Decoder, voices: Path) -> None:
    encoded = decoder.encode([samples(voices / "en_real_11s.ogg")], 1300)
    (cut,) = decoder.decode(encoded, "en", beam_size=1, max_tokens=30)
    assert (cut.tokens, cut.was_cut) == (30, True)
    (whole,) = decoder.decode(encoded, "en", beam_size=1, max_tokens=100)
    assert 30 < whole.tokens < 60
    assert not whole.was_cut


def test_many_words_that_may_come_up_leave_room_for_the_text(decoder: Decoder, voices: Path) -> None:
    encoded = decoder.encode([samples(voices / "en_real_11s.ogg")], 1300)
    (heard,) = decoder.decode(encoded, "en", beam_size=1, max_tokens=300, words="Dashwood, Norland, Sussex, " * 100)
    assert heard.text.endswith("ill-disposed."), "only the first 220 tokens of words count"
