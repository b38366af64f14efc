"""One engine in a process of its own: `python -m benchmarks.contender ours|naive|greedy WEIGHTS THREADS`.

For each line of JSON on its standard input (file, language) it prints one: wall_s, cpu_s, peak_mb and the text.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transcriber.whisper import Whisper

Transcribe = Callable[[str, str], str]  # file, language -> text


def ours(folder: str, threads: int) -> Transcribe:
    """The engine as the daemon uses it for a sender it does not know: the language has to be found."""
    loop = asyncio.new_event_loop()
    engine = Whisper(Path(folder).parent, threads=threads)
    loop.run_until_complete(engine.load(Path(folder).name))
    return lambda file, language: loop.run_until_complete(engine.transcribe(Path(file))).text


def naive(folder: str, threads: int) -> Transcribe:
    """faster-whisper as it comes."""
    return _library(folder, threads, lambda language: {})


def greedy(folder: str, threads: int) -> Transcribe:
    """faster-whisper told the language, without a beam."""
    return _library(folder, threads, lambda language: {"language": language, "beam_size": 1})


def _library(folder: str, threads: int, options: Callable[[str], dict[str, Any]]) -> Transcribe:
    from faster_whisper import WhisperModel

    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)
    return lambda file, language: "".join(found.text for found in model.transcribe(file, **options(language))[0])


def serve(transcribe: Transcribe) -> None:
    """Until standard input ends."""
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        started_s, cpu_s = time.perf_counter(), time.process_time()
        text = transcribe(job["file"], job["language"])
        result = {
            "wall_s": time.perf_counter() - started_s,
            "cpu_s": time.process_time() - cpu_s,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "text": text,
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    serve({"ours": ours, "naive": naive, "greedy": greedy}[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
