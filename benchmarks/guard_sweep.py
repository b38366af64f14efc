"""Why the numbers in transcriber/guard.py are what they are: `python -m benchmarks.guard_sweep [MODEL]`.

Notes under more and more noise, voices that nobody can understand any more, sounds in which nobody speaks. Three
tables: word errors by the decoder's score, what is left of the notes, what is made of the rest in any language.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from faster_whisper import WhisperModel

from benchmarks.page import table
from benchmarks.recordings import recordings
from config.cpu import usable_cores
from tests.sounds import samples_of, silent_sounds, spoilt, wav, with_noise
from tests.weights import weights
from tests.wer import word_error_rate
from transcriber import guard
from transcriber.decoding import FULL_FRAMES, Decoder, Heard, frames
from transcriber.hearing import BEAM_SIZE, FLOOR_S, MARGIN_S
from transcriber.media import Samples, Sound
from transcriber.windows import windows

NOISES_DB = (15, 10, 5, 0)
SLOPES = {"white": 0.0, "pink": 1.0}
BANDS = (0.0, -0.2, -0.3, -0.4, -0.5, -0.6, -0.7, -0.8, -0.9, -1.0, -9.0)
MOST_TOKENS = 220


@dataclass(frozen=True)
class Seen:
    """What the last try made of a sound; `believed` is what the guard leaves of it."""

    kind: str
    said: str
    heard: Heard
    believed: str
    is_doubtful: bool

    @property
    def errors(self) -> float:
        """The word error rate before the guard."""
        return word_error_rate(self.said, self.heard.text)


def seen(decoder: Decoder, kind: str, samples: Samples, said: str, language: str = "") -> Seen:
    """The first window of `samples` as transcriber/hearing.py decodes it; without speech in it an empty one."""
    with Sound(wav(samples)) as sound:
        window = next((window for window in windows(sound, lambda: None) if not guard.is_silent(window.samples)), None)
    if window is None:
        return Seen(kind, said, Heard("", 0, 0.0, 1.0, False), "", False)
    speech_s = window.speech_s
    encoded = decoder.encode([window.samples], frames(max(FLOOR_S, speech_s + MARGIN_S)))
    probabilities = {language: 1.0} if language else decoder.languages(encoded)
    language = max(probabilities, key=lambda code: probabilities[code])
    best = decoder.decode(encoded, language, beam_size=1, max_tokens=MOST_TOKENS)[0]
    if guard.is_unsure(best, speech_s):
        beam = decoder.decode(encoded, language, beam_size=BEAM_SIZE, max_tokens=MOST_TOKENS)[0]
        best = guard.better(best, beam, speech_s)
    if guard.is_broken(best, speech_s) and encoded.shape[1] < FULL_FRAMES // 2:
        whole = decoder.encode([window.samples], FULL_FRAMES)
        full = decoder.decode(whole, language, beam_size=BEAM_SIZE, max_tokens=MOST_TOKENS)[0]
        best = guard.better(best, full, speech_s)
    believed = guard.believed(best, language, speech_s, probabilities[language])
    return Seen(kind, said, best, believed, guard.is_doubtful(best, speech_s))


def sweep(decoder: Decoder, languages: tuple[str, ...]) -> None:
    """All three tables."""
    notes = [(note["lang"], note["text"], samples_of(note["path"])) for note in recordings("", languages)]
    notes = [note for note in notes if note[2].size < 30 * 16_000]
    understood = list(_understood(decoder, notes))
    wild = list(_wild(decoder, notes, languages))
    print(table(("score", "notes", "WER", "spoilt", "WER"), _by_score(understood, wild)), flush=True)
    print("\n" + table(("sound", "notes", "WER", "lowest score", "believed", "doubtful"), _by_noise(understood)))
    print("\n" + table(("sound", "tries", "no speech", "the surest that is believed"), _by_kind(wild)))


def _understood(decoder: Decoder, notes: list[tuple[str, str, Samples]]) -> Iterator[Seen]:
    for _, said, samples in notes:
        yield seen(decoder, "clear", samples, said)
        for decibels in NOISES_DB:
            for colour, slope in SLOPES.items():
                noisy = with_noise(samples, decibels, slope)
                yield seen(decoder, f"{colour} noise {decibels} dB below", noisy, said)


def _wild(decoder: Decoder, notes: list[tuple[str, str, Samples]], languages: tuple[str, ...]) -> Iterator[Seen]:
    forced = ("", *languages) if decoder.is_multilingual else ("en",)
    voices = [samples for _, _, samples in notes]
    for language in forced:
        for _, said, samples in notes:
            for kind, sound in spoilt(samples, voices).items():
                yield seen(decoder, kind, sound, said, language)
        for seconds in (3.0, 10.0, 30.0):
            for kind, sound in silent_sounds(seconds).items():
                yield seen(decoder, kind, sound, "", language)


def _by_score(understood: list[Seen], wild: list[Seen]) -> Iterator[tuple[str, ...]]:
    for above, below in zip(BANDS[1:], BANDS, strict=False):
        cells = []
        for group in (understood, wild):
            errors = [s.errors for s in group if s.said and s.heard.text and above <= s.heard.log_probability < below]
            cells += [str(len(errors)), f"{statistics.mean(errors):.2f}" if errors else "-"]
        yield (f"{above:g} to {below:g}", *cells)


def _by_noise(understood: list[Seen]) -> Iterator[tuple[str, ...]]:
    for kind in dict.fromkeys(s.kind for s in understood):
        group = [s for s in understood if s.kind == kind]
        errors = f"{statistics.mean(s.errors for s in group):.3f}"
        lowest = f"{min(s.heard.log_probability for s in group):.2f}"
        counts = (sum(bool(s.believed) for s in group), sum(s.is_doubtful and bool(s.believed) for s in group))
        yield (kind, str(len(group)), errors, lowest, *map(str, counts))


def _by_kind(wild: list[Seen]) -> Iterator[tuple[str, ...]]:
    for kind in dict.fromkeys(s.kind for s in wild):
        group = [s for s in wild if s.kind == kind]
        left = max((s for s in group if s.believed), key=lambda s: s.heard.log_probability, default=None)
        shown = f"{left.heard.log_probability:.2f}, WER {left.errors:.2f}: {left.believed.strip()[:60]}" if left else ""
        yield (kind, str(len(group)), str(sum(not s.believed for s in group)), shown)


def main(name: str = "base") -> None:
    """The tables for one model."""
    model: Any = WhisperModel(str(weights(name)), device="cpu", compute_type="int8", cpu_threads=usable_cores())
    decoder = Decoder(model)
    sweep(decoder, ("ru", "en") if decoder.is_multilingual else ("en",))


if __name__ == "__main__":
    main(*sys.argv[1:2])
