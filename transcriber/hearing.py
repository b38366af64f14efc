"""One voice from sound to text: windows of speech, their language, a quick decoding of each, a better one in doubt.

Greedy first. Where `guard` doubts it, beam search over the same encoder output; where that is broken too, the full
window, once. No temperatures: their ladder took 15.8 s on a torn note of 5 s and ended in an invention.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from transcriber import guard
from transcriber.decoding import FULL_FRAMES, Decoder, Encoded, Heard, frames
from transcriber.lanes import LONG_S, Lanes
from transcriber.languages import LanguageHint, prefer
from transcriber.media import Sound
from transcriber.memory import free_bytes
from transcriber.sentences import segments
from transcriber.threads import Check
from transcriber.voice import Segment
from transcriber.windows import WINDOW_S, Window, windows

# The window of a clip, benchmarks/window_sweep.py: with a floor of 10 s and a second of silence behind the speech the
# word errors are those of the full window (0.017 and 0.017); with a floor of 8 s a 3 s note loses a word (0.038).
FLOOR_S = 10.0
MARGIN_S = 1.0
# faster-whisper's default. On hard Russian notes: word errors 0.064 against 0.083 greedy, for 0.35-0.7 s more each.
BEAM_SIZE = 5
# A longer window is nearly the full one: a second encoder pass brought nothing there, and a note of 25 s that nobody
# could understand took 2.65 of what faster-whisper takes (benchmarks/noise.py).
WHOLE_BELOW_FRAMES = 1800
# Bounds a loop. Clear notes take 4 tokens a second (benchmarks/window_sweep.py), byte by byte spelled scripts far more.
TOKENS_PER_S = 15
LEAST_TOKENS = 25

# More than 8 together win nothing: faster-whisper's own default. The bytes, in each lane, keep a long voice within
# 300 MB.
BATCH_MOST = 8
BATCH_BYTES = 75 * 2**20


@dataclass(frozen=True)
class Manner:
    """How to listen: `words` are names and terms that may come up; `thorough` takes the strongest settings at once."""

    words: str = ""
    thorough: bool = False


@dataclass
class Language:
    """What is known about the language; `code` is empty until something was heard. Counts speech and doubts as well."""

    code: str
    probability: float
    hint: LanguageHint | None = None
    speech_s: float = 0.0
    is_unsure: bool = False


@dataclass(frozen=True)
class Heed:
    """One window with its encoder output and what was heard in it so far."""

    window: Window
    encoded: Encoded
    heard: Heard


def hear(
    decoder: Decoder, sound: Sound, language: Language, manner: Manner, lanes: Lanes, check: Check
) -> Iterator[tuple[list[Segment], float]]:
    """The segments of each window (perhaps none) and where it ends, in seconds of `sound`; the first fills `language`.

    Windows of a long voice are worked on in all `lanes`, in each as many together as memory allows; the next piece of
    a short voice goes before them.
    """
    audible: Iterator[Window] = (window for window in windows(sound, check) if not guard.is_silent(window.samples))
    first = list(itertools.islice(audible, 1))
    urgent = max(sound.announced_s, sound.decoded_s) <= LONG_S
    size = 1
    if sound.decoded_s > WINDOW_S:
        size = batch_size(decoder.width, decoder.layers, free_bytes() // lanes.number)
    audible = itertools.chain(first, audible)
    ahead: deque[Future[list[Heed]]] = deque()
    try:
        while batch := list(itertools.islice(audible, size)):
            ahead.append(lanes.submit(partial(_listen, decoder, batch, language, manner, check), urgent=urgent))
            while ahead and (len(ahead) == lanes.number or not language.code):  # the first alone finds the language
                yield from _finish(decoder, ahead.popleft().result(), language, manner, lanes, urgent)
        while ahead:
            yield from _finish(decoder, ahead.popleft().result(), language, manner, lanes, urgent)
    finally:
        for left in ahead:
            left.cancel()


def _listen(decoder: Decoder, batch: list[Window], language: Language, manner: Manner, check: Check) -> list[Heed]:
    """A quick decoding of each window."""
    longest_s = max(window.speech_s for window in batch)
    window_frames = FULL_FRAMES if manner.thorough else frames(max(FLOOR_S, longest_s + MARGIN_S))
    encoded = decoder.encode([window.samples for window in batch], window_frames, check)
    if not language.code:
        speech_s = sum(window.speech_s for window in batch)
        language.code, language.probability = prefer(language.hint, decoder.languages(encoded), speech_s)
    beam_size = BEAM_SIZE if manner.thorough else 1
    limit = _max_tokens(longest_s)
    heard = decoder.decode(encoded, language.code, beam_size=beam_size, max_tokens=limit, words=manner.words)
    return [Heed(window, encoded[i : i + 1], each) for i, (window, each) in enumerate(zip(batch, heard, strict=True))]


def _finish(
    decoder: Decoder, heeds: list[Heed], language: Language, manner: Manner, lanes: Lanes, urgent: bool
) -> Iterator[tuple[list[Segment], float]]:
    """What is doubted is decoded again, each window as a piece of its own."""
    assured = {
        index: lanes.submit(partial(_assured, decoder, heed, language.code, manner.words), urgent=urgent)
        for index, heed in enumerate(heeds)
        if guard.is_unsure(heed.heard, heed.window.speech_s) and not manner.thorough
    }
    for index, heed in enumerate(heeds):
        sure = assured[index].result() if index in assured else heed.heard
        language.is_unsure |= guard.is_doubtful(sure, heed.window.speech_s)
        language.speech_s += heed.window.speech_s
        text = guard.believed(sure, language.code, heed.window.speech_s, language.probability)
        yield segments(text, heed.window.spans), heed.window.spans[-1][1]


def batch_size(width: int, layers: int, free: int) -> int:
    """How many windows to decode together: a quarter of `free` bytes, at most BATCH_BYTES and BATCH_MOST.

    The decoder keeps keys and values of 1500 positions, `width` floats each, for every window and each of its
    `layers` (37 MB for base).
    """
    return max(1, min(BATCH_MOST, min(free // 4, BATCH_BYTES) // (1500 * width * 4 * 2 * layers)))


def _assured(decoder: Decoder, heed: Heed, language: str, words: str) -> Heard:
    """What was heard, or something better after a beam search and, if need be, one encoder pass more."""
    speech_s = heed.window.speech_s
    limit = _max_tokens(speech_s)
    beam = decoder.decode(heed.encoded, language, beam_size=BEAM_SIZE, max_tokens=limit, words=words)[0]
    best = guard.better(heed.heard, beam, speech_s)
    if guard.is_broken(best, speech_s) and heed.encoded.shape[1] < WHOLE_BELOW_FRAMES // 2:
        whole = decoder.encode([heed.window.samples], FULL_FRAMES)
        full = decoder.decode(whole, language, beam_size=BEAM_SIZE, max_tokens=limit, words=words)[0]
        best = guard.better(best, full, speech_s)
    return best


def _max_tokens(speech_s: float) -> int:
    return int(LEAST_TOKENS + TOKENS_PER_S * speech_s)
