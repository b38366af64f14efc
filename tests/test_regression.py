"""The gate: words wrong and work done for each voice, counted, never timed. A change that costs shows here.

Whisper base, int8. The frames are exact. Tokens and words are so only on processors that round alike: int8 kernels
differ (AVX2, AVX-512, VNNI), and a score that falls the other way is another word. Hence a room of two and of one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_whisper import said
from tests.wer import word_error_rate, words
from transcriber.whisper import Whisper

TOKENS_ROOM = 2
WORDS_ROOM = 1


@pytest.mark.parametrize(
    ("name", "language", "encoder_frames", "decoder_tokens", "wrong_words"),
    [
        ("en_real_3s.ogg", "en", 1000, 12, 0),
        ("en_3s.ogg", "en", 1000, 12, 0),
        ("ru_3s.ogg", "ru", 1000, 17, 0),
        ("ru_m11s.ogg", "ru", 1216, 44, 2),
        ("en_real_11s.ogg", "en", 1236, 40, 0),
        ("en_11s.ogg", "en", 1236, 45, 0),
        ("ru_mix1.ogg", "ru", 1748, 62, 1),
        ("en_real_25s.ogg", "en", 2676, 87, 2),
        ("ru_padded_46s.ogg", "ru", 1004, 43, 3),
        ("en_60s.ogg", "en", 6258, 227, 11),
        ("silence_5s.ogg", "", 0, 0, 0),
        ("noise_brown_10s.ogg", "", 0, 0, 0),
    ],
)
async def test_a_voice_costs_the_work_that_it_did_and_no_more_words(
    name: str, language: str, encoder_frames: int, decoder_tokens: int, wrong_words: int, engine: Whisper, voices: Path
) -> None:
    transcript = await engine.transcribe(voices / name)
    text = said(voices, name)
    assert (transcript.language, transcript.encoder_frames) == (language, encoder_frames)
    assert abs(transcript.decoder_tokens - decoder_tokens) <= TOKENS_ROOM
    assert word_error_rate(text, transcript.text) * max(1, len(words(text))) <= wrong_words + WORDS_ROOM + 1e-9
    assert not transcript.is_unsure
