"""Helpers in processes of their own: bare faster-whisper, the engine beside a watched event loop, the program's size.

`python -m benchmarks.engine bare FOLDER THREADS` transcribes each file named on its standard input and prints the
seconds that took; `lag FOLDER THREADS FILE` prints the longest time the loop was blocked meanwhile, in milliseconds;
`size` prints the memory of the program without a model, in megabytes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import psutil

from transcriber.hearing import BEAM_SIZE
from transcriber.whisper import Whisper

TICK_S = 0.002


def bare(folder: str, threads: int) -> None:
    """The same weights, faster-whisper's own way, without anything of ours around them."""
    from faster_whisper import WhisperModel

    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)
    print("ready", flush=True)
    for line in sys.stdin:
        started_s = time.perf_counter()
        segments, _ = model.transcribe(
            line.strip(), language=None, beam_size=BEAM_SIZE, vad_filter=True, condition_on_previous_text=False
        )
        "".join(segment.text for segment in segments)
        print(time.perf_counter() - started_s, flush=True)


async def lag(folder: str, threads: int, file: str) -> None:
    """How long the loop was blocked at worst while the engine worked in its thread."""
    engine = Whisper(Path(folder).parent, threads=threads)
    await engine.load(Path(folder).name)
    await engine.transcribe(Path(file))  # the first voice also imports the speech detector
    sampler = asyncio.create_task(_longest_ms())
    await engine.transcribe(Path(file))
    sampler.cancel()
    print(await sampler)
    await engine.close()


async def _longest_ms() -> float:
    longest_s = 0.0
    try:
        while True:
            started_s = time.perf_counter()
            await asyncio.sleep(TICK_S)
            longest_s = max(longest_s, time.perf_counter() - started_s - TICK_S)
    except asyncio.CancelledError:
        return longest_s * 1000


def size() -> None:
    """The entry point with all its modules, ready to work, but with no model loaded."""
    import wiring  # noqa: F401 - importing it is the measurement

    print(psutil.Process().memory_info().rss / 1024**2)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bare", folder, threads]:
            bare(folder, int(threads))
        case ["lag", folder, threads, file]:
            asyncio.run(lag(folder, int(threads), file))
        case ["size"]:
            size()
        case _:
            sys.exit(__doc__)
