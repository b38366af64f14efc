"""One engine in a process of its own: `python -m benchmarks.contender ENGINE WEIGHTS THREADS`.

For each line of JSON on its standard input (`files`, their `language`, `together`) it prints one: `wall_s`, `cpu_s`,
the highest memory meanwhile `peak_mb`, the memory afterwards `rss_mb`, and the `texts`.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transcriber.whisper import Whisper

Transcribe = Callable[[list[str], str, bool], list[str]]  # files, their language, together? -> texts


def ours(folder: str, threads: int, compute_type: str = "int8") -> Transcribe:
    """The engine as the daemon uses it for a sender it does not know: the language has to be found."""
    loop = asyncio.new_event_loop()
    engine = Whisper(Path(folder).parent, compute_type=compute_type, threads=threads)
    loop.run_until_complete(engine.load(Path(folder).name))

    async def together(files: list[str]) -> list[str]:
        return [found.text for found in await asyncio.gather(*(engine.transcribe(Path(file)) for file in files))]

    def transcribe(files: list[str], _: str, at_once: bool) -> list[str]:
        batches = [files] if at_once else [[file] for file in files]
        return [text for batch in batches for text in loop.run_until_complete(together(batch))]

    return transcribe


def naive(folder: str, threads: int) -> Transcribe:
    """faster-whisper as it comes: a beam of 5, the language detected."""
    return _library(folder, threads, lambda language: {})


def known(folder: str, threads: int) -> Transcribe:
    """faster-whisper told the language."""
    return _library(folder, threads, lambda language: {"language": language})


def greedy(folder: str, threads: int) -> Transcribe:
    """faster-whisper told the language, without a beam."""
    return _library(folder, threads, lambda language: {"language": language, "beam_size": 1})


def whisper_cpp(folder: str, threads: int) -> Transcribe:
    """whisper.cpp with its defaults, told the language; the same weights as q8_0."""
    from faster_whisper import decode_audio
    from pywhispercpp.model import Model

    from benchmarks.ggml import converted

    model = Model(str(converted(Path(folder))), n_threads=threads, redirect_whispercpp_logs_to=None)

    def transcribe(file: str, language: str) -> str:
        segments = model.transcribe(decode_audio(file), language=language, print_progress=False)
        return " ".join(segment.text for segment in segments)

    return lambda files, language, _: [transcribe(file, language) for file in files]


def _library(folder: str, threads: int, options: Callable[[str], dict[str, Any]]) -> Transcribe:
    from faster_whisper import WhisperModel

    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)

    def transcribe(file: str, language: str) -> str:
        return "".join(found.text for found in model.transcribe(file, **options(language))[0])

    return lambda files, language, _: [transcribe(file, language) for file in files]


ENGINES: dict[str, Callable[[str, int], Transcribe]] = {
    "ours": ours,
    "ours-float32": lambda folder, threads: ours(folder, threads, "float32"),
    "naive": naive,
    "known": known,
    "greedy": greedy,
    "whisper.cpp": whisper_cpp,
}


def serve(engine: str, folder: str, threads: int) -> None:
    """Until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    transcribe = ENGINES[engine](folder, threads)
    print(json.dumps({"rss_mb": _memory_mb("VmRSS")}), file=answers, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        _forget_peak()
        started_s, cpu_s = time.perf_counter(), time.process_time()
        texts = transcribe(job["files"], job["language"], job["together"])
        result = {
            "wall_s": time.perf_counter() - started_s,
            "cpu_s": time.process_time() - cpu_s,
            "peak_mb": _memory_mb("VmHWM"),
            "rss_mb": _memory_mb("VmRSS"),
            "texts": texts,
        }
        print(json.dumps(result), file=answers, flush=True)


def _forget_peak() -> None:
    """Linux: the highest memory counts from now on (proc(5), clear_refs)."""
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")


def _memory_mb(name: str) -> float:
    """A line of /proc/self/status; elsewhere the highest memory so far."""
    if not Path("/proc/self/status").exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
