"""Where somebody speaks: a sound cut into stretches, and its speech packed into windows that Whisper can take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from transcriber.media import RATE, Samples, Sound
from transcriber.threads import Check

# onnxruntime, which runs the VAD, reports to Microsoft by default (its Privacy.md); read when it is first imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Audio is worked on in stretches of about this length, cut in silence: memory stays flat however long a file is.
# Word errors over 5 minutes of Russian are alike with 60, 120 and 300 s (0.117, 0.123, 0.118); 120 s take 40 MB more.
STRETCH_S = 60.0
WINDOW_S = 29.0  # most speech in one window: Whisper's 30 s less the second of silence that tells it where the end is
# What there is more of is cut into pieces of about this length: attention to what was heard is most of the decoder's
# work, and small windows go together in one batch. Pieces of 5.5 s lose the context: word errors over five minutes of
# English 0.043 instead of 0.027 (benchmarks/window_sweep.py).
PIECE_S = 15.0
JOIN_S = 2.0  # shorter pauses stay in, as in faster-whisper's own filter: they are punctuation
SPARE_S = 2.0  # a piece may be so much longer for the sake of a good pause; ours
LATE = 0.8  # of a window: from here on the longest pause is the cut
BREATH_MS = 160  # the shortest pause to cut at, as in faster-whisper's BatchedInferencePipeline

Chunk = dict[str, int]  # faster_whisper's speech chunk: "start" and "end" in samples


@dataclass(frozen=True)
class Window:
    """At most WINDOW_S of speech: the spans it comes from, in seconds of the sound, and their samples joined."""

    spans: tuple[tuple[float, float], ...]
    samples: Samples

    @property
    def speech_s(self) -> float:
        """Seconds of speech."""
        return self.samples.size / RATE


def stretches(sound: Sound, check: Check) -> Iterator[tuple[float, Samples, list[Chunk]]]:
    """Where there is speech: start in seconds, samples of about STRETCH_S, the speech in them by Silero VAD.

    Without speech there is nothing here: Whisper invents words for silence. Chunks are at most WINDOW_S long and end
    in a pause; no word is cut unless somebody speaks for WINDOW_S without drawing breath.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(max_speech_duration_s=WINDOW_S, min_silence_duration_ms=BREATH_MS)
    start_s = 0.0
    pieces = sound.pieces(STRETCH_S)
    samples = next(pieces, np.empty(0, np.float32))
    while samples.size:
        check()
        following = next(pieces, np.empty(0, np.float32))
        chunks = get_speech_timestamps(samples, options)
        cut = samples.size
        if following.size and len(chunks) > 1 and chunks[-1]["end"] == samples.size:
            cut = chunks.pop()["start"]  # somebody is still speaking: that belongs to the next stretch
        if chunks:
            yield start_s, samples[:cut], chunks
        start_s += cut / RATE
        samples = np.concatenate((samples[cut:], following))


def windows(sound: Sound, check: Check) -> Iterator[Window]:
    """All speech of `sound`, in order."""
    for start_s, samples, chunks in stretches(sound, check):
        for group in packed(chunks):
            spans = joined(group)
            yield Window(
                tuple(
                    (start_s + span["start"] / RATE, min(start_s + span["end"] / RATE, sound.decoded_s))
                    for span in spans
                ),
                np.concatenate([samples[span["start"] : span["end"]] for span in spans]),
            )


def packed(chunks: list[Chunk]) -> list[list[Chunk]]:
    """`chunks` in groups of about PIECE_S and at most WINDOW_S, equally long, cut where the pauses are longest."""
    groups: list[list[Chunk]] = []
    while chunks:
        speech = _samples(chunks)
        even = speech / max(1, round(speech / (PIECE_S * RATE)))
        most = min(WINDOW_S * RATE, even + SPARE_S * RATE)
        cut = _cut(chunks, max(most, _samples(chunks[:1])))
        groups.append(chunks[:cut])
        chunks = chunks[cut:]
    return groups


def _cut(chunks: list[Chunk], most: float) -> int:
    """How many chunks to take, at most `most` samples: a late cut fills the window, a long pause ends a sentence."""
    lengths = [_samples(chunks[:count]) for count in range(1, len(chunks) + 1)]
    if lengths[-1] <= most:
        return len(chunks)
    late = [count for count, length in enumerate(lengths, 1) if most * LATE <= length <= most]
    fitting = late or [sum(length <= most for length in lengths)]
    return max(fitting, key=lambda count: chunks[count]["start"] - chunks[count - 1]["end"])


def joined(chunks: list[Chunk]) -> list[Chunk]:
    """`chunks` with pauses below JOIN_S filled by the sound that was there."""
    spans: list[Chunk] = []
    for chunk in chunks:
        if spans and chunk["start"] - spans[-1]["end"] < JOIN_S * RATE:
            spans[-1] = {"start": spans[-1]["start"], "end": chunk["end"]}
        else:
            spans.append({"start": chunk["start"], "end": chunk["end"]})
    return spans


def _samples(chunks: list[Chunk]) -> int:
    return sum(span["end"] - span["start"] for span in joined(chunks))
