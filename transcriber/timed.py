"""Text with Whisper's own timestamps, by faster_whisper, for subtitles: only the full window keeps time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from transcriber.hearing import BEAM_SIZE, Language
from transcriber.media import RATE, Sound
from transcriber.threads import Check
from transcriber.voice import Segment
from transcriber.windows import joined, stretches

# Of Whisper's six, for what no beam can decode: the whole ladder took 15.8 s on a torn note of 5 s, to an invention.
TEMPERATURES = (0.0, 0.4)


def timed(model: Any, sound: Sound, language: Language, check: Check) -> Iterator[tuple[list[Segment], float]]:
    """Each segment and where it ends, in seconds; `model` is a faster_whisper.WhisperModel."""
    from faster_whisper.transcribe import restore_speech_timestamps
    from faster_whisper.vad import collect_chunks

    for start_s, samples, chunks in stretches(sound, check):
        speech = joined(chunks)
        found, info = model.transcribe(
            np.concatenate(collect_chunks(samples, speech)[0]),
            language=language.code or None,
            beam_size=BEAM_SIZE,
            temperature=TEMPERATURES,
            condition_on_previous_text=False,  # text carried from window to window carries loops as well
        )
        if not language.code:
            language.code, language.probability = info.language, info.language_probability
        language.speech_s += info.duration
        for segment in restore_speech_timestamps(found, speech, RATE):
            end_s = min(start_s + segment.end, sound.decoded_s)  # its last one may claim more than there is
            yield [Segment(start_s + segment.start, end_s, segment.text.strip())], end_s
