"""Why the numbers in transcriber/hearing.py and guard.py are what they are: `python -m benchmarks.window_sweep`.

Folders named behind it have a manifest.json like tests/voices, the default; their notes of one window are used. Three
tables: word errors by window; by the score below which a beam follows, on notes with noise mixed in; and of the voices
of five minutes by the length of the pieces they are cut into and by the beam.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import WhisperModel

from benchmarks.recordings import ROOT, recordings
from benchmarks.results import LONG_S
from config.cpu import usable_cores
from tests.weights import weights
from tests.wer import word_error_rate
from transcriber import guard, hearing
from transcriber import windows as cutting
from transcriber.decoding import Decoder, Heard, frames
from transcriber.hearing import BEAM_SIZE, FLOOR_S, MARGIN_S, Language, Listener, Manner
from transcriber.lanes import Lanes, lanes_for
from transcriber.media import Samples, Sound
from transcriber.weights import decoder_layers
from transcriber.windows import windows

WINDOWS = ((30.0, 0.0), (10.0, 0.5), (10.0, 1.0), (10.0, 2.0), (8.0, 1.0), (6.0, 1.0))  # floor, margin
THRESHOLDS = (0.0, -0.2, -0.3, -0.4, -0.5, -0.7, -1.0)
SIGNAL_TO_NOISE_DB = (10, 5, 0)
PIECES = (
    (29.0, 1),
    (20.0, 1),
    (15.0, 1),
    (15.0, 3),
    (15.0, 5),
    (12.0, 3),
    (11.0, 1),
    (5.5, 1),
)  # seconds, beam in batches
MOST_TOKENS = 220


@dataclass(frozen=True)
class Note:
    """The speech of a recording of one window."""

    language: str
    said: str
    samples: Samples

    def noisy(self, decibels: float) -> Note:
        """The same with white noise that many decibels below the speech."""
        noise = np.random.default_rng(4).standard_normal(self.samples.size).astype(np.float32)
        level = np.sqrt(np.mean(np.square(self.samples))) * 10 ** (-decibels / 20)
        return Note(self.language, self.said, np.clip(self.samples + noise * level, -1, 1).astype(np.float32))


def notes(folders: list[Path]) -> list[Note]:
    """All that fit into one window."""
    found = {}
    for folder in folders:
        for entry in json.loads((folder / "manifest.json").read_text("utf-8")):
            if entry["lang"] and entry["seconds"] < 30:
                with Sound(folder / entry["file"]) as sound:
                    pieces = list(windows(sound, lambda: None))
                if len(pieces) == 1:
                    found[entry["file"]] = Note(entry["lang"], entry["text"], pieces[0].samples)
    return list(found.values())


def by_window(model: Any, known: list[Note]) -> None:
    """Word errors, the lowest score and the work of each window."""
    print("| floor s | margin s | WER greedy | WER beam 5 | lowest score | frames | tokens per s | detected | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for floor_s, margin_s in WINDOWS:
        decoder, started_s = Decoder(model), time.perf_counter()
        errors: dict[int, list[float]] = {1: [], BEAM_SIZE: []}
        scores, right, tokens = [], 0, 0
        for note in known:
            encoded = decoder.encode([note.samples], frames(max(floor_s, note.samples.size / 16_000 + margin_s)))
            found = decoder.languages(encoded)
            right += max(found, key=lambda code: found[code]) == note.language
            for beam_size in errors:
                heard = decoder.decode(encoded, note.language, beam_size=beam_size, max_tokens=MOST_TOKENS)[0]
                errors[beam_size].append(word_error_rate(note.said, heard.text))
                if beam_size == 1:
                    scores.append(heard.log_probability)
                    tokens += heard.tokens
        rate = tokens / sum(note.samples.size / 16_000 for note in known)
        cells = [f"{floor_s:g}", f"{margin_s:g}", *(f"{statistics.mean(column):.3f}" for column in errors.values())]
        cells += [f"{min(scores):.2f}", str(decoder.encoder_frames), f"{rate:.1f}", f"{right} of {len(known)}"]
        print("| " + " | ".join([*cells, f"{time.perf_counter() - started_s:.1f}"]) + " |", flush=True)


def by_threshold(model: Any, known: list[Note]) -> None:
    """Word errors and beams for each score below which a beam follows the greedy search."""
    pairs: list[tuple[Note, Heard, Heard]] = []
    decoder = Decoder(model)
    for note in known + [note.noisy(decibels) for decibels in SIGNAL_TO_NOISE_DB for note in known]:
        speech_s = note.samples.size / 16_000
        encoded = decoder.encode([note.samples], frames(max(FLOOR_S, speech_s + MARGIN_S)))
        heard = [
            decoder.decode(encoded, note.language, beam_size=size, max_tokens=MOST_TOKENS)[0] for size in (1, BEAM_SIZE)
        ]
        pairs.append((note, heard[0], guard.better(heard[0], heard[1], speech_s)))
    print("\n| beam below | WER | beams |\n|---|---|---|")
    for threshold in THRESHOLDS:
        beams = [first.log_probability < threshold for _, first, _ in pairs]
        errors = [
            word_error_rate(note.said, (best if beam else first).text)
            for (note, first, best), beam in zip(pairs, beams, strict=True)
        ]
        print(f"| {threshold:g} | {statistics.mean(errors):.3f} | {sum(beams)} of {len(pairs)} |", flush=True)


def by_piece(model: Any, layers: int, threads: int) -> None:
    """Word errors, encoder frames and seconds of voices of five minutes."""
    print("\n| voice | piece s | beam | WER | frames | tokens | s |\n|---|---|---|---|---|---|---|")
    lanes = Lanes(lanes_for(threads))
    for voice in (voice for voice in recordings() if voice["seconds"] >= LONG_S):
        for cutting.PIECE_S, hearing.BATCH_BEAM_SIZE in PIECES:
            decoder, started_s = Decoder(model, layers), time.perf_counter()
            listener = Listener(decoder, Language(voice["lang"], 1.0), Manner(), lanes, lambda: None)
            with Sound(voice["path"]) as sound:
                text = " ".join(segment.text for found, _ in listener.hear(sound) for segment in found)
            cells = [voice["file"], f"{cutting.PIECE_S:g}", str(hearing.BATCH_BEAM_SIZE)]
            cells += [f"{word_error_rate(voice['text'], text):.4f}", str(decoder.encoder_frames)]
            cells += [str(decoder.decoder_tokens), f"{time.perf_counter() - started_s:.1f}"]
            print("| " + " | ".join(cells) + " |", flush=True)
    lanes.close()


if __name__ == "__main__":
    cores = usable_cores()
    whisper = WhisperModel(
        str(weights("base")), device="cpu", compute_type="int8", cpu_threads=cores, num_workers=lanes_for(cores)
    )
    spoken = notes([Path(folder) for folder in sys.argv[1:]] or [ROOT / "tests" / "voices"])
    by_window(whisper, spoken)
    by_threshold(whisper, spoken)
    by_piece(whisper, decoder_layers(weights("base") / "model.bin", "base"), cores)
