"""/metrics: the facts in the words of Prometheus. The only module that knows its library."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from transcriber.facts import Facts, Stored
from transcriber.health import Level
from transcriber.tally import DELAY_LIMITS_S

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
OUTCOMES = ("text", "no_speech", "failed", "gone")
_P = "voice_transcriber_"


def exposition(facts: Facts) -> bytes:
    """The metrics as Prometheus reads them."""
    registry = CollectorRegistry()  # our own: the library's default one holds what other packages put there
    registry.register(_Snapshot(facts))
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterable[Metric]:
        yield from _process(self._facts)
        if self._facts.stored is not None:  # rather a gap than a number that is not known
            yield from _voices(self._facts.stored)


def _process(facts: Facts) -> Iterable[Metric]:
    up = GaugeMetricFamily(f"{_P}part_up", "1 when the part is OK.", labels=["part"])
    for name, part in facts.parts.items():
        up.add_metric([name.lower()], float(part["level"] == Level.OK))
    yield up
    yield _gauge("start_time_seconds", "When the program started, in Unix time.", facts.started_at)
    yield _gauge("memory_bytes", "Resident memory of the program.", facts.memory_mb * 1024**2)
    yield _counter("reconnects", "Sessions with Telegram after the first one.", facts.reconnects)
    yield _counter("flood_wait_seconds", "What Telegram has asked to wait.", facts.flood_wait_s)


def _voices(stored: Stored) -> Iterable[Metric]:
    voices = CounterMetricFamily(f"{_P}voices", "Voices by outcome.", labels=["outcome"])
    for outcome in OUTCOMES:
        voices.add_metric([outcome], stored.outcomes.get(outcome, 0))
    yield voices
    totals = stored.totals
    audio_s, work_s = totals.get("audio_s", 0.0), totals.get("work_s", 0.0)
    yield _gauge("queue_length", "Voices that wait or are in work.", stored.waiting)
    yield _gauge("queue_head_age_seconds", "Since the oldest of them was sent.", stored.head_age_s)
    yield _gauge("given_up", "Voices without a transcript that /retry would take up.", stored.given_up)
    yield _counter("audio_seconds", "Sound that was transcribed.", audio_s)
    yield _counter("transcription_seconds", "The time that took.", work_s)
    yield _gauge(
        "real_time_factor", "Transcription time per second of sound, over all.", work_s / audio_s if audio_s else 0
    )
    buckets = [(str(float(limit_s)), totals.get(f"within_{limit_s}", 0)) for limit_s in DELAY_LIMITS_S]
    yield HistogramMetricFamily(
        f"{_P}reply_delay_seconds",
        "From a voice to its answer.",
        buckets=[*buckets, ("+Inf", totals.get("answered", 0))],
        sum_value=totals.get("delay_s", 0),
    )


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(_P + name, help_, value=value)


def _counter(name: str, help_: str, value: float) -> Metric:
    return CounterMetricFamily(_P + name, help_, value=value)
