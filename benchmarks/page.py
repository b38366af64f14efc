"""The results as docs/performance.md. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmarks.results import MODEL, Results, Row, summary, targets

ABOUT = """\
Written by `make bench`, all in one run. One process for each engine; they take turns at every voice, so that a machine
that is busy for a while is so for all. Times are medians of the turns, ratios medians of those of each turn, memory
is the highest meanwhile.

- *naive*: `WhisperModel(...).transcribe(path)` of faster-whisper with its defaults: a beam of 5, the language detected
- *known*: the same, told the language; *greedy*: told the language, without a beam
- *whisper.cpp*: its defaults, told the language, on the same weights as q8_0
- *ours*: finds the language itself"""
VOICE_HEAD = ("voice", "s", "engine", "turns", "wall s", "CPU s", "of naive", "of greedy", "peak MB", "WER")


def page(results: Results) -> str:
    """The whole document."""
    parts = ["# Performance", ABOUT, "\n".join(f"- {name}: {value}" for name, value in results.conditions.items())]
    parts += ["## Targets", f"With Whisper {MODEL}: **{summary(results.rows)}**", _targets(results)]
    for model in dict.fromkeys(row.model for row in results.rows):
        parts += [f"## Voices, {model}", table(VOICE_HEAD, (cells(row) for row in results.rows if row.model == model))]
    parts += _others(results)
    if results.deaths:
        parts += ["## What died", "\n".join(f"- {death}" for death in results.deaths)]
    return "\n\n".join(parts) + "\n"


def _targets(results: Results) -> str:
    found = targets(results)
    rows = ((t.what, f"at {'least' if t.at_least else 'most'} {t.limit:g}", _cell(t.seen), t.verdict) for t in found)
    return table(("target", "limit", "seen", ""), rows)


def _others(results: Results) -> Iterator[str]:
    if results.quiet:
        rows = [(q["sound"], *_costs(q), q["text"]) for q in results.quiet]
        yield from ("## Nobody speaks", table(("sound of 30 s", "wall s", "CPU s", "peak MB", "text"), rows))
    if results.throughput:
        yield from ("## Many at a time", THROUGHPUT.format(**results.throughput))
    if results.memory:
        yield from ("## Memory", MEMORY.format(**results.memory))
    if results.compute:
        head = ("compute type", "threads", "loaded MB", "wall s", "CPU s", "peak MB")
        costs = [(c["compute_type"], str(c["threads"]), f"{c['loaded_mb']:.0f}", *_costs(c)) for c in results.compute]
        yield from ("## Compute types", "All notes of 15 s or less, one after the other.", table(head, costs))


THROUGHPUT = (
    "{notes} notes, {seconds:.0f} s of sound: one by one {one_by_one_s:.1f} s, together {together_s:.1f} s; "
    "{ratio:.2f} times the throughput, the median of the turns."
)
MEMORY = (
    f"MB of a process with Whisper {MODEL}: "
    "{loaded_mb:.0f} loaded, {peak_mb:.0f} at the highest, {first_mb:.0f} after a tenth of {jobs} notes, {last_mb:.0f} "
    "after all of them."
)


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table of voices."""
    times = (f"{row.wall_s:.2f}", f"{row.cpu_s:.2f}", _cell(row.of_naive), _cell(row.of_greedy))
    return (row.voice, f"{row.seconds:.1f}", row.engine, str(row.turns), *times, f"{row.peak_mb:.0f}", f"{row.wer:.3f}")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Markdown."""
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])


def line(row: tuple[str, ...]) -> str:
    """One row of Markdown."""
    return f"| {' | '.join(row)} |"


def _costs(medians: dict[str, float]) -> tuple[str, str, str]:
    return _cell(medians["wall_s"]), _cell(medians["cpu_s"]), f"{medians['peak_mb']:.0f}"


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if abs(value) >= 0.1 or not value else f"{value:.3f}"
