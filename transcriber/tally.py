"""Counting: totals since the first start and one small hash per hour, in Redis, so that a restart loses nothing.

Both have the same fields: an outcome (text, no_speech, failed, gone), `audio_s` and `work_s` (speech heard, and the
time that took), `delay_s` and `answered` (from a voice to its answer), `within_N` (answers within N seconds). All pure.
"""

from __future__ import annotations

from typing import Any

from transcriber.recall import finite, recall
from transcriber.voice import Transcript

TOTALS = "vt:totals"
SPEED = "vt:speed"
DELAY_LIMITS_S = (2, 5, 10, 20, 30, 60, 120, 300, 900, 3600)
HOURS = 24
_HOUR_S = 3600
_HOUR_TTL_S = (HOURS + 2) * _HOUR_S

Counts = dict[str, float]


def of_outcome(outcome: str, delay_s: float) -> Counts:
    """What one more outcome adds."""
    counts: Counts = {outcome: 1}
    if outcome != "gone":  # that one had no answer
        counts |= {"answered": 1, "delay_s": delay_s}
        counts |= {f"within_{limit_s}": 1 for limit_s in DELAY_LIMITS_S if delay_s <= limit_s}
    return counts


def of_speech(transcript: Transcript) -> Counts:
    """What one more transcription adds."""
    return {"audio_s": transcript.duration_s, "work_s": transcript.elapsed_s}


def add_speed(pipeline: Any, transcript: Transcript) -> None:
    """Queue what the transcription says about the speed of its model; silence says nothing."""
    if transcript.text:
        pipeline.hincrbyfloat(SPEED, f"audio_s {transcript.model}", transcript.duration_s)
        pipeline.hincrbyfloat(SPEED, f"work_s {transcript.model}", transcript.elapsed_s)


def speeds(totals: Counts) -> dict[str, float]:
    """Seconds of work per second of audio for each model, from the hash SPEED."""
    audio_s = {field.removeprefix("audio_s "): sum_s for field, sum_s in totals.items() if field.startswith("audio_s ")}
    return {model: totals.get(f"work_s {model}", 0.0) / sum_s for model, sum_s in audio_s.items() if sum_s > 0}


def add(pipeline: Any, counts: Counts, now: float) -> None:
    """Queue the additions in a Redis pipeline."""
    hour = hour_keys(now)[-1]
    for key in (TOTALS, hour):
        for field, amount in counts.items():
            pipeline.hincrbyfloat(key, field, amount)
    pipeline.expire(hour, _HOUR_TTL_S)


def hour_keys(now: float) -> list[str]:
    """The keys of the last day, oldest first; the last hour is not over yet."""
    last = int(now // _HOUR_S)
    return [f"vt:hour:{hour}" for hour in range(last - HOURS + 1, last + 1)]


def numbers(counts: dict[str, str]) -> Counts:
    """A hash of Redis as numbers; what is none counts as nothing."""
    return {field: recall(finite, amount) or 0.0 for field, amount in counts.items()}
