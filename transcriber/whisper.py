"""The engine: transcribes in threads, with the model that is in memory (`resident`). How it hears is in `hearing`.

onnxruntime is imported at the first voice: a daemon without work stays small.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from transcriber.decoding import Decoder
from transcriber.errors import Rejected
from transcriber.hearing import Language, Listener, Manner
from transcriber.lanes import Lanes, lanes_for
from transcriber.languages import LanguageHint
from transcriber.loading import AUTO, Loaded
from transcriber.media import Sound
from transcriber.memory import give_memory_back
from transcriber.resident import Resident
from transcriber.sentences import flowing
from transcriber.threads import Check, Progress, in_thread, on_loop, until
from transcriber.timed import timed
from transcriber.voice import Segment, Transcript
from transcriber.windows import STRETCH_S, WINDOW_S


class Whisper:
    """One model at a time, a few voices at a time. Its methods belong to the event loop and never block it."""

    def __init__(self, models_dir: Path, *, compute_type: str = AUTO, threads: int = 2, idle_s: float = 0.0) -> None:
        self.resident = Resident(models_dir, compute_type=compute_type, threads=threads, idle_s=idle_s)
        self._closing = threading.Event()
        self._lanes = Lanes(lanes_for(threads))
        self._voices = ThreadPoolExecutor(self.places, "voice")

    @property
    def places(self) -> int:
        """How many voices it works on at once: one is read and searched for speech while others are in the lanes."""
        return self._lanes.number + 1

    @property
    def model(self) -> str:
        """Name of the model in use, also while it is put away; empty before the first load."""
        return self.resident.name

    @property
    def arithmetic(self) -> str:
        """How the model in memory computes: a compute type of CTranslate2, and whether it was chosen here."""
        return self.resident.arithmetic

    @property
    def is_away(self) -> bool:
        """Whether the model in use is put away for lack of work."""
        return self.resident.is_away

    def wake(self) -> None:
        """A voice is on its way: see that the model is in memory."""
        self.resident.wake()

    async def load(
        self, name: str, *, on_progress: Progress | None = None, trusted: bool = False, must_fit: bool = False
    ) -> None:
        """Loads `name`, downloading it first if need be, then lets go of the old one, which works until then.

        Where memory has no room for both, the old one goes first and voices wait. `on_progress` is called on the event
        loop with the fraction 0 … 1 of a download. A `trusted` name may be any folder (see `models.obtain`), and is
        tried even where there should be no room, unless it `must_fit`. Raises ModelUnavailable, and the old model
        stays; Interrupted by `close`.
        """
        await self.resident.load(name, on_progress=on_progress, trusted=trusted, must_fit=must_fit)

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

        def work(loaded: Loaded) -> Transcript:
            check()
            transcript = _transcribe(loaded, self._lanes, media, spoken, manner, announced_s, timestamps, tell, check)
            if transcript.duration_s > STRETCH_S:
                give_memory_back()  # nothing beside a long voice
            return transcript

        check()
        async with self.resident.use() as loaded:
            return await in_thread(self._voices, lambda: work(loaded), given_up)

    async def close(self) -> None:
        """Ends what is running at its next segment and gives the model back; whoever asks afterwards is Interrupted."""
        if self._closing.is_set():
            return
        self._closing.set()
        await asyncio.to_thread(self._voices.shutdown)
        await asyncio.to_thread(self._lanes.close)
        await self.resident.close()


def languages() -> frozenset[str]:
    """The codes Whisper knows. Imports faster_whisper."""
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    return frozenset(_LANGUAGE_CODES)


def _transcribe(
    loaded: Loaded,
    lanes: Lanes,
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
    decoder = Decoder(loaded.model, loaded.decoder_layers)
    segments: list[Segment] = []
    with Sound(media, announced_s=announced_s) as sound:
        heard = (
            timed(loaded.model, sound, language, check)
            if timestamps
            else Listener(decoder, language, manner, lanes, check).hear(sound)
        )
        given_back_s = 0.0
        for found, end_s in heard:
            segments += found
            check()
            if end_s - given_back_s > WINDOW_S:
                give_memory_back()  # 15 ms; without it four hours took 501 MB over the model
                given_back_s = end_s
            tell(min(1.0, end_s / max(sound.announced_s, sound.decoded_s)))
    return Transcript(
        text=flowing(segments, language.code),
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
