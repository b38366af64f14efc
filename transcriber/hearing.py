"""One voice from sound to text: windows of speech, their language, a quick decoding of each, a better one in doubt.

Greedy first. Where `guard` doubts it, beam search over the same encoder output; where that is broken too, the full
window, once. No temperatures: their ladder took 15.8 s on a torn note of 5 s and ended in an invention.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from transcriber import guard
from transcriber.decoding import FRAME_RATE, FULL_FRAMES, Decoder, Encoded, Heard, frames
from transcriber.errors import Interrupted
from transcriber.lanes import LONG_S, Lanes
from transcriber.languages import LanguageHint, prefer
from transcriber.media import Sound
from transcriber.memory import free_bytes, keep_blocks
from transcriber.sentences import segments
from transcriber.threads import Check
from transcriber.voice import Segment
from transcriber.windows import PIECE_S, WINDOW_S, Window, windows

# The window of a clip, benchmarks/window_sweep.py: with a floor of 10 s and a second of silence behind the speech the
# word errors are those of the full window (0.017 and 0.017); with a floor of 8 s a 3 s note loses a word (0.035).
FLOOR_S = 10.0
MARGIN_S = 1.0
# faster-whisper's default. On hard Russian notes: word errors 0.064 against 0.083 greedy, for 0.35-0.7 s more each.
BEAM_SIZE = 5
# A longer window, as pieces of longer voices have it, gained nothing from a second encoder pass (benchmarks/noise.py).
WHOLE_BELOW_FRAMES = 1100
# Bounds a loop. Clear notes take 4 tokens a second (benchmarks/window_sweep.py), byte by byte spelled scripts far more.
TOKENS_PER_S = 15
LEAST_TOKENS = 25
# A second try that goes on much longer than the first is a loop: 218 tokens and 8 s where greedy found 47 in 1 s. With
# both bounds a note of 25 s that nobody could understand takes 1.65 of what faster-whisper takes instead of 2.8.
AGAIN_TOKENS_PER_S = 6
AGAIN_TOKENS = 1.5  # of those of the first try

# Where windows share a batch, a beam costs little. Five minutes of English and of Russian (benchmarks/window_sweep.py):
# word errors greedy 0.031 and 0.114, with a beam of 3 0.022 and 0.103 for a sixth more time; naive 0.024 and 0.107.
BATCH_BEAM_SIZE = 3
# In each lane; keeps a long voice within 300 MB. Four and more together are hardly faster.
BATCH_MOST = 3
BATCH_BYTES = 48 * 2**20

T = TypeVar("T")


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


class Listener:
    """One voice at work in the lanes: its pieces are encoded, decoded and, where in doubt, decoded again.

    Fills `language`; where that has no code yet, the first pieces find it.
    """

    def __init__(self, decoder: Decoder, language: Language, manner: Manner, lanes: Lanes, check: Check) -> None:
        self._decoder = decoder
        self._language = language
        self._manner = manner
        self._lanes = lanes
        self._check = check
        self._language_sought = threading.Event()
        self._is_urgent = True

    def hear(self, sound: Sound) -> Iterator[tuple[list[Segment], float]]:
        """The segments of each window (perhaps none) and where it ends, in seconds of `sound`.

        Windows of a long voice are worked on in all lanes, in each as many together as memory allows; the next piece
        of a short voice goes before them.
        """
        audible = (window for window in windows(sound, self._check) if not guard.is_silent(window.samples))
        first = list(itertools.islice(audible, 1))
        length_s = max(sound.announced_s, sound.decoded_s)
        self._is_urgent = length_s <= LONG_S
        keep_blocks(fast=length_s <= WINDOW_S)
        listen = self._listen if self._language.code else self._listen_first
        ahead: deque[Future[list[Heed]]] = deque()
        try:
            for batch in batches(itertools.chain(first, audible), self._batch_s(length_s), self._window_frames):
                ahead.append(self._submit(listen, batch))
                listen = self._listen
                if len(ahead) > self._lanes.number:  # one more, so that no lane waits while the next is looked for
                    yield from self._finish(ahead.popleft().result())
            while ahead:
                yield from self._finish(ahead.popleft().result())
        finally:
            self._language_sought.set()
            for left in ahead:
                left.cancel()

    def _batch_s(self, length_s: float) -> float:
        """Seconds of windows to decode together: a share for each lane, if memory allows."""
        if length_s <= WINDOW_S:
            return 0.0
        free = free_bytes() // self._lanes.number
        return min(length_s / self._lanes.number, batch_s(self._decoder.width, self._decoder.layers, free))

    def _submit(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        return self._lanes.submit(partial(work, *arguments), urgent=self._is_urgent)

    def _listen_first(self, batch: list[Window]) -> list[Heed]:
        """Find the language, then as the others."""
        try:
            encoded = self._encode(batch)
            speech_s = sum(window.speech_s for window in batch)
            found = prefer(self._language.hint, self._decoder.languages(encoded), speech_s)
            self._language.code, self._language.probability = found
        finally:
            self._language_sought.set()
        return self._decode(batch, encoded)

    def _listen(self, batch: list[Window]) -> list[Heed]:
        """A quick decoding of each window, once the first batch, which began before, has found the language."""
        encoded = self._encode(batch)
        if not self._language.code:
            self._language_sought.wait()
        if not self._language.code:
            raise Interrupted("interrupted")  # the first failed, and its error is told
        return self._decode(batch, encoded)

    def _encode(self, batch: list[Window]) -> Encoded:
        window_frames = max(map(self._window_frames, batch))
        return self._decoder.encode([window.samples for window in batch], window_frames, self._check)

    def _window_frames(self, window: Window) -> int:
        return FULL_FRAMES if self._manner.thorough else frames(max(FLOOR_S, window.speech_s + MARGIN_S))

    def _decode(self, batch: list[Window], encoded: Encoded) -> list[Heed]:
        quick = 1 if len(batch) == 1 else BATCH_BEAM_SIZE
        heard = self._decoder.decode(
            encoded,
            self._language.code,
            beam_size=BEAM_SIZE if self._manner.thorough else quick,
            max_tokens=_max_tokens(max(window.speech_s for window in batch)),
            words=self._manner.words,
        )
        return [Heed(window, encoded[at : at + 1], heard[at]) for at, window in enumerate(batch)]

    def _finish(self, heeds: list[Heed]) -> Iterator[tuple[list[Segment], float]]:
        """What is doubted is decoded again, each window as a piece of its own."""
        assured = {
            index: self._submit(self._assured, heed)
            for index, heed in enumerate(heeds)
            if guard.is_unsure(heed.heard, heed.window.speech_s) and not self._manner.thorough
        }
        language = self._language
        for index, heed in enumerate(heeds):
            sure = assured[index].result() if index in assured else heed.heard
            language.is_unsure |= guard.is_doubtful(sure, heed.window.speech_s)
            language.speech_s += heed.window.speech_s
            text = guard.believed(sure, language.code, heed.window.speech_s, language.probability)
            yield segments(text, heed.window.spans), heed.window.spans[-1][1]

    def _assured(self, heed: Heed) -> Heard:
        """What was heard, or something better after a beam search and, if need be, one encoder pass more."""
        speech_s = heed.window.speech_s
        max_tokens = _max_tokens_again(heed.heard.tokens, speech_s)
        best = guard.better(heed.heard, self._beam(heed.encoded, max_tokens), speech_s)
        if guard.is_broken(best, speech_s) and heed.encoded.shape[1] < WHOLE_BELOW_FRAMES // 2:
            whole = self._decoder.encode([heed.window.samples], FULL_FRAMES)
            best = guard.better(best, self._beam(whole, max_tokens), speech_s)
        return best

    def _beam(self, encoded: Encoded, max_tokens: int) -> Heard:
        return self._decoder.decode(
            encoded,
            self._language.code,
            beam_size=BEAM_SIZE,
            max_tokens=max_tokens,
            words=self._manner.words,
        )[0]


def batch_s(width: int, layers: int, free: int) -> float:
    """How many seconds of windows to decode together: a quarter of `free` bytes, at most BATCH_BYTES and BATCH_MOST.

    The decoder keeps keys and values of 50 positions a second, `width` floats each, for each of its `layers` (15 MB
    for a window of 12 s by base).
    """
    return min(BATCH_MOST * PIECE_S, min(free // 4, BATCH_BYTES) / (50 * width * 4 * 2 * layers))


def batches(found: Iterable[Window], most_s: float, frames_of: Callable[[Window], int]) -> Iterator[list[Window]]:
    """`found` in groups that take at most `most_s` when all are as long as the longest; one at least."""
    batch: list[Window] = []
    for window in found:
        longest_s = max(map(frames_of, [*batch, window])) / FRAME_RATE
        if batch and longest_s * (len(batch) + 1) > most_s:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _max_tokens(speech_s: float) -> int:
    return int(LEAST_TOKENS + TOKENS_PER_S * speech_s)


def _max_tokens_again(tokens: int, speech_s: float) -> int:
    """After a first try that took `tokens`."""
    again = int(LEAST_TOKENS + max(AGAIN_TOKENS * tokens, AGAIN_TOKENS_PER_S * speech_s))
    return min(again, _max_tokens(speech_s))
