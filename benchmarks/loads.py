"""What else is measured: sounds without speech, many notes at a time, memory over many notes, compute types."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.processes import Contender, Lane
from benchmarks.recordings import recordings
from benchmarks.results import MODEL, SHORT_S
from tests.sounds import silent_sounds, wav

QUIET_S = 30.0
MIXED_NOTES, MIXED_MOST_S = 20, 30.0
MEMORY_JOBS = 500
COMPUTE_TYPES = {"int8": "ours", "float32": "ours-float32"}


def quiet(lane: Lane, turns: int) -> list[dict[str, Any]]:
    """For each sound the medians, and the longest text that was made up."""
    found = []
    with tempfile.TemporaryDirectory() as folder, Contender("ours", MODEL, lane.threads) as ours:
        for name, samples in {"warming up": silent_sounds(1.0)["hum"], **silent_sounds(QUIET_S)}.items():
            file = Path(folder) / f"{name}.wav"
            file.write_bytes(wav(samples))
            answers = [answer for _ in range(turns) if (answer := lane.ask(ours, [file], QUIET_S))]
            texts = [text for answer in answers for text in answer["texts"]]
            found.append({"sound": name, **_medians(answers), "text": max(texts, key=len, default="")})
    return found[1:]


def throughput(lane: Lane, turns: int) -> dict[str, float]:
    """Mixed notes one by one and together."""
    notes = [voice for voice in recordings() if voice["seconds"] < MIXED_MOST_S]
    mixed = [notes[at % len(notes)] for at in range(MIXED_NOTES)]
    files, seconds = [note["path"] for note in mixed], sum(note["seconds"] for note in mixed)
    with Contender("ours", MODEL, lane.threads) as ours:
        lane.ask(ours, files[: len(notes)], seconds)  # the first time is for the caches
        pairs = [[lane.ask(ours, files, seconds, together=at_once) for at_once in (False, True)] for _ in range(turns)]
    seen = [(alone["wall_s"], together["wall_s"]) for alone, together in pairs if alone and together]
    if not seen:
        return {}
    return {
        "notes": len(mixed),
        "seconds": round(seconds, 1),
        "one_by_one_s": round(statistics.median(alone_s for alone_s, _ in seen), 2),
        "together_s": round(statistics.median(together_s for _, together_s in seen), 2),
        "ratio": round(statistics.median(alone_s / together_s for alone_s, together_s in seen), 3),
    }


def memory(lane: Lane) -> dict[str, float]:
    """MB of a fresh process: with the model, at the highest, after a tenth of the notes and after all."""
    notes = [voice for voice in recordings() if voice["seconds"] <= SHORT_S]
    with Contender("ours", MODEL, lane.threads) as ours:
        loaded_mb = ours.loaded_mb
        jobs = [lane.ask(ours, [notes[at % len(notes)]["path"]], SHORT_S) for at in range(MEMORY_JOBS)]
    answers = [answer for answer in jobs if answer]
    if not answers:
        return {}
    return {
        "loaded_mb": round(loaded_mb, 1),
        "peak_mb": round(max(answer["peak_mb"] for answer in answers), 1),
        "jobs": len(answers),
        "first_mb": round(answers[len(answers) // 10]["rss_mb"], 1),
        "last_mb": round(answers[-1]["rss_mb"], 1),
    }


def compute_types(lane: Lane, turns: int) -> list[dict[str, Any]]:
    """Our engine on all short notes with each type, with all threads and with one."""
    voices = [voice for voice in recordings() if voice["seconds"] <= SHORT_S]
    files, seconds = [voice["path"] for voice in voices], sum(voice["seconds"] for voice in voices)
    found = []
    for threads in sorted({1, lane.threads}):
        with Contender("ours", MODEL, threads) as int8, Contender("ours-float32", MODEL, threads) as float32:
            pair = {"int8": int8, "float32": float32}
            seen: list[dict[str, dict[str, Any] | None]] = []
            for _ in range(1 + turns):  # one that was too slow once is not asked again: it may take minutes
                able = {name: one for name, one in pair.items() if all(turn.get(name) for turn in seen)}
                seen.append({name: lane.ask(one, files, seconds) for name, one in able.items()})
            for name, one in pair.items():
                answers = [
                    answer for turn in seen[1:] if (answer := turn.get(name))
                ]  # the first time is for the caches
                found.append(
                    {"compute_type": name, "threads": threads, "loaded_mb": one.loaded_mb, **_medians(answers)}
                )
    return found


def _medians(answers: list[dict[str, Any]]) -> dict[str, float]:
    if not answers:
        return {"wall_s": float("inf"), "cpu_s": float("inf"), "peak_mb": 0.0}
    found = {name: round(statistics.median(answer[name] for answer in answers), 3) for name in ("wall_s", "cpu_s")}
    return {**found, "peak_mb": round(max(answer["peak_mb"] for answer in answers))}
