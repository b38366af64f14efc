"""Models into memory and out of it again; every function blocks, so call them in a thread.

faster_whisper is imported at the first load: a daemon without a model stays small.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transcriber.errors import ModelUnavailable
from transcriber.lanes import lanes_for
from transcriber.memory import bound_caches, give_memory_back
from transcriber.weights import decoder_layers

log = logging.getLogger(__name__)

AUTO = "auto"
# Without VNNI, where int8 gains least, `make bench` saw on 2 quiet cores (base, all short notes): int8 5.0 s, 7.1 s of
# CPU, 310 MB; float32 6.4 s, 9.4 s, 517 MB; with one thread 4.8 s and 6.8 s.
LEAST_WORK = ("int8", "int8_float32", "float32")

_STRAGGLERS_S = 60.0  # a decoder step cannot be interrupted; one of a large model on a slow machine takes this long


@dataclass(eq=False)
class Loaded:
    """A model in memory. `users` says how many work with it, so that a switch cannot take it away from them."""

    name: str
    model: Any  # faster_whisper.WhisperModel, which has no types
    arithmetic: str  # CTranslate2's compute type, as people read it: "int8", or "int8 (auto)"
    decoder_layers: int
    file_bytes: int
    users: int = 0
    unused: asyncio.Event = field(
        default_factory=asyncio.Event
    )  # set when it is no longer wanted and the last one left


def chosen(setting: str) -> str:
    """The compute type for a `setting`: with AUTO the first of LEAST_WORK that this processor does well.

    CTranslate2 knows which those are; imports it.
    """
    from ctranslate2 import get_supported_compute_types

    supported = get_supported_compute_types("cpu")
    return setting if setting != AUTO else next(kind for kind in LEAST_WORK if kind in supported)


def open_model(folder: Path, name: str, compute_type: str, threads: int) -> Loaded:
    """The model in `folder`, which is complete, so that faster_whisper has no reason to ask the network for anything.

    Raises ModelUnavailable: the files are torn or no Whisper weights, no memory.
    """
    file = folder / "model.bin"
    layers = decoder_layers(file, name)
    from faster_whisper import WhisperModel

    logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it reports every file at INFO
    started_s = time.perf_counter()
    bound_caches()
    try:
        kind = chosen(compute_type)
        model = WhisperModel(
            str(folder), device="cpu", compute_type=kind, cpu_threads=threads, num_workers=lanes_for(threads)
        )
    except MemoryError as error:
        raise ModelUnavailable("model_no_memory", model=name) from error
    except Exception as error:  # CTranslate2 raises RuntimeError and ValueError, tokenizers bare Exception
        raise ModelUnavailable("model_broken", model=name, reason=str(error).splitlines()[0][:200]) from error
    give_memory_back()  # 50 MB of what loading took
    log.debug("loaded %s (%s, %d threads) in %.1f s", name, kind, threads, time.perf_counter() - started_s)
    arithmetic = f"{kind} ({AUTO})" if compute_type == AUTO else kind
    return Loaded(name, model, arithmetic, layers, file.stat().st_size)


def let_go(loaded: Loaded) -> None:
    """Drop a model that has no users any more and give its memory back to the system."""
    gone = threading.Event()
    weakref.finalize(loaded.model, gone.set)
    loaded.model = None
    gone.wait(_STRAGGLERS_S)  # an abandoned transcription holds it until its step is over
    give_memory_back()
