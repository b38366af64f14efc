"""What a run of the benchmark found: plain values, medians, and whether the targets are met. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.wer import word_error_rate

MODEL = "base"  # the targets are for this one
SHORT_S, LONG_S = 15.0, 250.0  # notes up to, and voices of five minutes

Answers = dict[str, dict[str, Any]]  # engine -> its answer; one turn


@dataclass(frozen=True)
class Row:
    """One recording by one engine; medians over the turns, the ratios over those of each turn."""

    model: str
    voice: str
    seconds: float
    engine: str
    turns: int
    wall_s: float
    cpu_s: float
    of_naive: float | None  # None: that one gave no answer
    of_greedy: float | None
    peak_mb: float
    wer: float


@dataclass
class Results:
    """Everything, as it is written to results.json."""

    conditions: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    quiet: list[dict[str, Any]] = field(
        default_factory=list
    )  # sounds without speech: sound, wall_s, cpu_s, peak_mb, text
    throughput: dict[str, float] = field(default_factory=dict)  # notes, seconds, one_by_one_s, together_s, ratio
    memory: dict[str, float] = field(default_factory=dict)  # loaded_mb, peak_mb, jobs, first_mb, last_mb
    compute: list[dict[str, Any]] = field(
        default_factory=list
    )  # compute_type, threads, wall_s, cpu_s, loaded_mb, peak_mb
    deaths: list[str] = field(default_factory=list)  # what ended without an answer, and how

    def plain(self) -> dict[str, Any]:
        """As dicts and lists, with the last line."""
        return {**asdict(self), "summary": summary(self.rows)}


def row(model: str, voice: dict[str, Any], engine: str, turns: list[Answers]) -> Row:
    """The medians of the turns in which `engine` answered, one at least."""
    answers = [turn[engine] for turn in turns if engine in turn]
    return Row(
        model,
        voice["file"],
        voice["seconds"],
        engine,
        len(answers),
        wall_s=round(statistics.median(answer["wall_s"] for answer in answers), 3),
        cpu_s=round(statistics.median(answer["cpu_s"] for answer in answers), 3),
        of_naive=_ratio(turns, engine, "naive"),
        of_greedy=_ratio(turns, engine, "greedy"),
        peak_mb=round(max(answer["peak_mb"] for answer in answers)),
        wer=round(statistics.mean(word_error_rate(voice["text"], answer["texts"][0]) for answer in answers), 4),
    )


def _ratio(turns: list[Answers], engine: str, other: str) -> float | None:
    ratios = [turn[engine]["wall_s"] / turn[other]["wall_s"] for turn in turns if engine in turn and other in turn]
    return round(statistics.median(ratios), 3) if ratios else None


def summary(rows: list[Row]) -> str:
    """The last line: mean ratios of the short and the long voices, mean word errors over all that both answered."""
    short, long = of_naive(rows, is_short), of_naive(rows, is_long)
    ours, naive = errors(rows, lambda row: True)
    return f"short {_said(short, 2)}, long {_said(long, 2)} of naive; WER ours {_said(ours, 3)} naive {_said(naive, 3)}"


def is_short(row: Row) -> bool:
    """A note of 15 s or less."""
    return row.seconds <= SHORT_S


def is_long(row: Row) -> bool:
    """A voice of five minutes."""
    return row.seconds >= LONG_S


def of_naive(rows: Iterable[Row], wanted: Callable[[Row], bool]) -> float | None:
    """The mean ratio of our time to the naive one."""
    return _mean(row.of_naive for row in _ours(rows, wanted))


def of_greedy(rows: Iterable[Row], wanted: Callable[[Row], bool]) -> float | None:
    """The same to greedy search with the language known."""
    return _mean(row.of_greedy for row in _ours(rows, wanted))


def errors(rows: list[Row], wanted: Callable[[Row], bool]) -> tuple[float | None, float | None]:
    """Mean word error rates of ours and naive, over the voices that both answered."""
    naive = {row.voice: row.wer for row in rows if row.engine == "naive" and row.model == MODEL}
    both = [row for row in _ours(rows, wanted) if row.voice in naive]
    return _mean(row.wer for row in both), _mean(naive[row.voice] for row in both)


def _ours(rows: Iterable[Row], wanted: Callable[[Row], bool]) -> list[Row]:
    return [row for row in rows if row.engine == "ours" and row.model == MODEL and wanted(row)]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.mean(known) if known else None


def _said(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


@dataclass(frozen=True)
class Target:
    """What was aimed at and what was seen (None: not measured); `at_least` turns the limit round."""

    what: str
    limit: float
    seen: float | None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """In words, with what is missing."""
        if self.seen is None:
            return "not measured"
        missing = self.limit - self.seen if self.at_least else self.seen - self.limit
        return "met" if missing <= 0 else f"**missed by {missing:.3f}**"


def targets(results: Results) -> list[Target]:
    """All of them."""
    rows, quiet = results.rows, results.quiet
    slowest = max((sound["wall_s"] for sound in quiet), default=None)
    made_up = float(sum(bool(sound["text"]) for sound in quiet)) if quiet else None
    grown = results.memory["last_mb"] - results.memory["first_mb"] if results.memory else None
    return [
        Target("notes of 15 s or less: time, of naive", 0.30, of_naive(rows, is_short)),
        Target("the same, of greedy with the language known", 0.55, of_greedy(rows, is_short)),
        Target("the same: mean WER above the naive one", 0.01, _above(errors(rows, is_short))),
        Target("5 minutes: time, of naive", 0.35, of_naive(rows, is_long)),
        Target("the same: mean WER above the naive one", 0.01, _above(errors(rows, is_long))),
        Target("silence, noise, music: slowest, s", 0.3, slowest),
        Target("the same: texts made up", 0, made_up),
        Target(
            "20 mixed notes together, of one by one: throughput", 1.3, results.throughput.get("ratio"), at_least=True
        ),
        Target("memory: growth over the jobs, MB", 20, grown),
    ]


def _above(pair: tuple[float | None, float | None]) -> float | None:
    ours, naive = pair
    return None if ours is None or naive is None else ours - naive
