"""The benchmark's arithmetic and its page; what it measures is measured, not tested."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.page import page
from benchmarks.processes import Contender, Died
from benchmarks.results import Results, Row, row, summary, targets


def seen(
    voice: str, seconds: float, engine: str, of_naive: float | None, wer: float, of_greedy: float | None = None
) -> Row:
    return Row("base", voice, seconds, engine, 5, 1.0, 1.0, of_naive, of_greedy, 300, wer)


ROWS = [
    seen("a.ogg", 3, "ours", 0.2, 0.0, of_greedy=0.5),
    seen("a.ogg", 3, "naive", 1.0, 0.1),
    seen("a.ogg", 3, "greedy", 0.5, 0.1),
    seen("b.ogg", 300, "ours", 0.4, 0.1),
    seen("b.ogg", 300, "naive", 1.0, 0.1),
    seen("c.ogg", 60, "ours", 0.9, 0.9),
]


def answer(wall_s: float, text: str = "one two") -> dict[str, Any]:
    return {"wall_s": wall_s, "cpu_s": 2 * wall_s, "peak_mb": 100 + wall_s, "texts": [text]}


def test_the_last_line_has_mean_ratios_and_word_errors_of_what_both_answered() -> None:
    assert summary(ROWS) == "short 0.20, long 0.40 of naive; WER ours 0.050 naive 0.100"
    assert summary([]) == "short -, long - of naive; WER ours - naive -"


def test_a_row_has_medians_of_the_turns_that_were_answered_and_the_median_of_their_ratios() -> None:
    turns = [{"ours": answer(1), "naive": answer(4)}, {"ours": answer(2), "naive": answer(4)}, {"naive": answer(4)}]
    found = row("base", {"file": "a.ogg", "seconds": 3, "text": "One, two."}, "ours", turns)
    assert (found.turns, found.wall_s, found.cpu_s, found.of_naive, found.of_greedy) == (2, 1.5, 3.0, 0.375, None)
    assert (found.peak_mb, found.wer) == (102, 0.0)


@pytest.mark.parametrize(
    ("what", "verdict"),
    [
        ("notes of 15 s or less: time, of naive", "met"),
        ("5 minutes: time, of naive", "**missed by 0.050**"),
        ("20 mixed notes together, of one by one: throughput", "**missed by 0.200**"),
        ("silence, noise, music: slowest, s", "not measured"),
    ],
)
def test_a_target_that_is_missed_says_by_how_much(what: str, verdict: str) -> None:
    found = targets(Results(rows=ROWS, throughput={"ratio": 1.1}))
    assert next(target.verdict for target in found if target.what == what) == verdict


def test_the_page_tells_who_died_and_how() -> None:
    results = Results(rows=ROWS, deaths=["ours at b.ogg: ended with SIGSEGV"])
    assert "## What died\n\n- ours at b.ogg: ended with SIGSEGV" in page(results)


def test_an_engine_that_dies_is_told_about_with_its_last_words_and_without_folders() -> None:
    with pytest.raises(Died, match=r"ended with exit code 1.*KeyError: 'no such engine'") as death:
        Contender("no such engine", "tiny.en", 1).start()
    assert "/" not in str(death.value)
