"""The benchmark's arithmetic; what it measures is measured, not tested."""

from __future__ import annotations

from benchmarks.bench import Row, summary


def row(file: str, seconds: float, engine: str, of_naive: float, wer: float) -> Row:
    return Row(file, seconds, engine, 1.0, 1.0, of_naive, 300, wer)


def test_the_last_line_has_mean_ratios_of_short_and_long_voices_and_mean_word_errors_of_speech() -> None:
    rows = [
        row("a.ogg", 3, "ours", 0.2, 0.0),
        row("a.ogg", 3, "naive", 1.0, 0.1),
        row("a.ogg", 3, "greedy", 0.5, 0.1),
        row("b.ogg", 300, "ours", 0.4, 0.1),
        row("b.ogg", 300, "naive", 1.0, 0.1),
        row("b.ogg", 300, "greedy", 0.5, 0.1),
        row("silence.ogg", 5, "ours", 0.01, 0.0),
        row("silence.ogg", 5, "naive", 1.0, 1.0),
    ]
    assert summary(rows) == "short 0.20, long 0.40 of naive; WER ours 0.050 naive 0.100"
