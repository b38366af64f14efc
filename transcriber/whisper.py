"""The engine: loads a model, switches it, transcribes; all of it in threads. How it hears is in `hearing`.

faster_whisper is imported at the first load, onnxruntime at the first voice: a daemon without a model stays small.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transcriber import models
from transcriber.decoding import Decoder
from transcriber.errors import ModelUnavailable, Rejected
from transcriber.hearing import UNSPACED, Language, Manner, hear
from transcriber.languages import LanguageHint
from transcriber.media import Sound
from transcriber.threads import Check, Progress, in_thread, on_loop, until
from transcriber.timed import timed
from transcriber.voice import Segment, Transcript
from transcriber.windows import STRETCH_S

log = logging.getLogger(__name__)


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
        hint: LanguageHint | None = None,
        words: str = "",
        thorough: bool = False,
        announced_s: float | None = None,
        timestamps: bool = False,
        on_progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> Transcript:
        """The text of `media`; without a `language` (a code like "ru") it is detected. No speech is an empty text.

        `hint` is what the sender usually speaks, for notes too short to be sure; `words` are names and terms that may
        come up. `thorough` takes the strongest settings at once, for about twice the work. `announced_s` is what
        Telegram said about the length. Segments have times by length of text; with `timestamps` Whisper's own, at
        twice the work. `on_progress` is called on the event loop with the fraction 0 … 1. Raises Rejected for broken
        media and unknown languages, ModelUnavailable before the first `load`, Interrupted between two pieces once
        `stop` is set, the awaiting task is cancelled or `close` called.
        """
        given_up = threading.Event()
        check = until(self._closing, given_up, stop)
        tell = on_loop(on_progress)
        spoken = Language(language or "", float(language is not None), hint)
        manner = Manner(words, thorough)

        def work() -> Transcript:
            check()
            if self._loaded is None:
                raise ModelUnavailable("model_not_loaded")
            transcript = _transcribe(self._loaded, media, spoken, manner, announced_s, timestamps, tell, check)
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
    loaded: Loaded,
    media: Path | bytes,
    language: Language,
    manner: Manner,
    announced_s: float | None,
    timestamps: bool,
    tell: Progress,
    check: Check,
) -> Transcript:
    started_s = time.perf_counter()
    if language.code and language.code not in languages():
        raise Rejected("language_unknown", language=language.code)
    decoder = Decoder(loaded.model)
    segments: list[Segment] = []
    with Sound(media, announced_s=announced_s) as sound:
        heard = (
            timed(loaded.model, sound, language, check) if timestamps else hear(decoder, sound, language, manner, check)
        )
        for found, end_s in heard:
            segments += found
            check()
            tell(min(1.0, end_s / max(sound.announced_s, sound.decoded_s)))
    spaced = "" if language.code in UNSPACED else " "
    return Transcript(
        text=spaced.join(segment.text for segment in segments),
        language=language.code,
        language_probability=language.probability,
        duration_s=sound.decoded_s,
        elapsed_s=time.perf_counter() - started_s,
        model=loaded.name,
        segments=tuple(segments),
        cut_short=sound.cut_short,
        speech_s=language.speech_s,
        encoder_frames=decoder.encoder_frames,
        decoder_tokens=decoder.decoder_tokens,
        is_unsure=language.is_unsure,
    )


def _let_go(holder: list[Loaded | None]) -> None:
    """Drops the last reference, in a thread because freeing takes a while."""
    holder.clear()
    _give_memory_back()


def _give_memory_back() -> None:
    """To the system: glibc keeps what is freed (314 MB stayed 314 after an unload, 138 with this)."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
