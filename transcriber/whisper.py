"""The engine: loads a model, switches it, transcribes. The only module that runs Whisper; all of it in threads.

faster_whisper is imported at the first load, onnxruntime at the first voice: a daemon without a model stays small.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from transcriber import models
from transcriber.errors import ModelUnavailable, Rejected
from transcriber.media import RATE, Samples, Sound
from transcriber.threads import Check, Progress, in_thread, on_loop, until
from transcriber.voice import Segment, Transcript

log = logging.getLogger(__name__)

# faster-whisper's default. On hard Russian notes: word errors 0.064 against 0.083 greedy, for 0.35-0.7 s more each.
BEAM_SIZE = 5
# Audio is worked on in stretches of about this length, cut in silence: memory stays flat however long a file is.
# Measured on an hour of noise, MB over the loaded model: 480 for 600 s, 300 for 300 s, 150 for 120 s (more seams).
STRETCH_S = 300.0

Chunk = dict[str, int]  # faster_whisper's speech chunk: "start" and "end" in samples


@dataclass(frozen=True)
class Loaded:
    """A model in memory. A running transcription holds a reference, so that a switch cannot take it away."""

    name: str
    model: Any  # faster_whisper.WhisperModel, which has no types


class Whisper:
    """One model at a time, one transcription at a time. Its methods belong to the event loop and never block it."""

    def __init__(self, models_dir: Path, *, compute_type: str = "int8", threads: int = 2) -> None:
        self._models_dir = models_dir
        self._compute_type = compute_type
        self._threads = threads
        self._loaded: Loaded | None = None
        self._switching = asyncio.Lock()
        self._closing = threading.Event()
        self._work = ThreadPoolExecutor(1, "whisper")
        self._loads = ThreadPoolExecutor(1, "whisper-load")

    @property
    def model(self) -> str:
        """Name of the loaded model, empty before the first load."""
        return self._loaded.name if self._loaded else ""

    async def load(self, name: str, *, on_progress: Progress | None = None, trusted: bool = False) -> None:
        """Loads `name`, downloading it first if need be, then lets go of the old one, which works until then.

        `on_progress` is called on the event loop with the fraction 0 … 1 of a download. A `trusted` name may be any
        folder (see `models.obtain`). Raises ModelUnavailable, and the old model stays; Interrupted by `close`.
        """
        given_up = threading.Event()
        check = until(self._closing, given_up)
        tell = on_loop(on_progress)

        def progress(fraction: float) -> None:
            check()
            tell(fraction)

        def work() -> Loaded:
            check()
            folder = models.obtain(name, self._models_dir, trusted=trusted, on_progress=progress)
            return Loaded(name, _open_model(folder, name, self._compute_type, self._threads))

        async with self._switching:
            check()
            loaded = await in_thread(self._loads, work, given_up)
            check()  # closed meanwhile
            old, self._loaded = [self._loaded], loaded
            self._work.submit(_let_go, old)  # behind the running transcription, which may still need it

    async def transcribe(
        self,
        media: Path | bytes,
        *,
        language: str | None = None,
        announced_s: float | None = None,
        on_progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> Transcript:
        """The text of `media`; without a `language` (a code like "ru") it is detected. No speech is an empty text.

        `announced_s` is what Telegram said about the length. `on_progress` is called on the event loop with the
        fraction 0 … 1. Raises Rejected for broken media and unknown languages, ModelUnavailable before the first
        `load`, Interrupted between two segments once `stop` is set, the awaiting task is cancelled or `close` called.
        """
        given_up = threading.Event()
        check = until(self._closing, given_up, stop)
        tell = on_loop(on_progress)

        def work() -> Transcript:
            check()
            if self._loaded is None:
                raise ModelUnavailable("model_not_loaded")
            transcript = _transcribe(self._loaded, media, language, announced_s, tell, check)
            if transcript.duration_s > STRETCH_S:
                _give_memory_back()  # 15 ms, nothing beside a long voice
            return transcript

        check()
        return await in_thread(self._work, work, given_up)

    async def close(self) -> None:
        """Ends what is running at its next segment and gives the model back; whoever asks afterwards is Interrupted."""
        if self._closing.is_set():
            return
        self._closing.set()
        old, self._loaded = [self._loaded], None
        self._work.submit(_let_go, old)
        for executor in (self._loads, self._work):
            await asyncio.to_thread(executor.shutdown)


def languages() -> frozenset[str]:
    """The codes Whisper knows. Imports faster_whisper."""
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    return frozenset(_LANGUAGE_CODES)


def _open_model(folder: Path, name: str, compute_type: str, threads: int) -> Any:
    """Blocks. The folder is complete, so faster_whisper has no reason to ask the network for anything."""
    from faster_whisper import WhisperModel

    logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it reports every file at INFO
    started_s = time.perf_counter()
    try:
        model = WhisperModel(str(folder), device="cpu", compute_type=compute_type, cpu_threads=threads)
    except MemoryError as error:
        raise ModelUnavailable("model_no_memory", model=name) from error
    except Exception as error:  # CTranslate2 raises RuntimeError and ValueError, tokenizers bare Exception
        raise ModelUnavailable("model_broken", model=name, reason=str(error).splitlines()[0][:200]) from error
    log.debug("loaded %s (%s, %d threads) in %.1f s", name, compute_type, threads, time.perf_counter() - started_s)
    return model


def _transcribe(
    loaded: Loaded, media: Path | bytes, language: str | None, announced_s: float | None, tell: Progress, check: Check
) -> Transcript:
    started_s = time.perf_counter()
    if language is not None and language not in languages():
        raise Rejected("language_unknown", language=language)
    segments: list[Segment] = []
    text = ""
    probability = 0.0 if language is None else 1.0
    with Sound(media, announced_s=announced_s) as sound:
        for start_s, samples, chunks in _stretches(sound, check):
            found, info = _decode(loaded.model, samples, chunks, language)
            language, probability = info.language, max(probability, info.language_probability)
            for segment in found:
                text += segment.text  # it begins with a space where the language has spaces
                end_s = min(start_s + segment.end, sound.decoded_s)  # its last one may claim more than there is
                segments.append(Segment(start_s + segment.start, end_s, segment.text.strip()))
                check()
                tell(end_s / max(sound.announced_s, sound.decoded_s))
    return Transcript(
        text=text.strip(),
        language=language or "",
        language_probability=probability,
        duration_s=sound.decoded_s,
        elapsed_s=time.perf_counter() - started_s,
        model=loaded.name,
        segments=tuple(segments),
        cut_short=sound.cut_short,
    )


def _stretches(sound: Sound, check: Check) -> Iterator[tuple[float, Samples, list[Chunk]]]:
    """Where there is speech: start in seconds, samples of about STRETCH_S, the speech in them by Silero VAD.

    Without speech there is nothing here: Whisper invents words for silence. No word is cut unless somebody speaks
    for STRETCH_S without a pause of two seconds.
    """
    from faster_whisper.vad import get_speech_timestamps

    start_s = 0.0
    pieces = sound.pieces(STRETCH_S)
    samples = next(pieces, np.empty(0, np.float32))
    while samples.size:
        check()
        following = next(pieces, np.empty(0, np.float32))
        chunks = get_speech_timestamps(samples)
        cut = samples.size
        if following.size and len(chunks) > 1 and chunks[-1]["end"] == samples.size:
            cut = chunks.pop()["start"]  # somebody is still speaking: that belongs to the next stretch
        if chunks:
            yield start_s, samples[:cut], chunks
        start_s += cut / RATE
        samples = np.concatenate((samples[cut:], following))


def _decode(model: Any, samples: Samples, chunks: list[Chunk], language: str | None) -> tuple[Iterator[Any], Any]:
    """faster_whisper's segments (times in seconds within `samples`, decoded as they are taken) and its info.

    The same as its `vad_filter=True`, without looking for the speech twice.
    """
    from faster_whisper.transcribe import restore_speech_timestamps
    from faster_whisper.vad import collect_chunks

    speech = np.concatenate(collect_chunks(samples, chunks)[0])
    # Text carried from window to window carries loops as well.
    segments, info = model.transcribe(speech, language=language, beam_size=BEAM_SIZE, condition_on_previous_text=False)
    return restore_speech_timestamps(segments, chunks, RATE), info


def _let_go(holder: list[Loaded | None]) -> None:
    """Drops the last reference, in a thread because freeing takes a while."""
    holder.clear()
    _give_memory_back()


def _give_memory_back() -> None:
    """To the system: glibc keeps what is freed (314 MB stayed 314 after an unload, 138 with this)."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
