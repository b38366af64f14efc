"""Sentences have times that fit the pauses; long texts have paragraphs where people were silent."""

from __future__ import annotations

import pytest

from transcriber.sentences import flowing, segments
from transcriber.voice import Segment


def test_sentences_share_the_time_of_the_speech_by_their_length() -> None:
    found = segments("One two. Six ten.", ((1.0, 3.0), (10.0, 12.0)))
    assert [(each.start_s, each.end_s, each.text) for each in found] == [
        (1.0, 3.0, "One two."),
        (10.0, 12.0, "Six ten."),
    ]
    assert segments("", ((1.0, 3.0),)) == []


def test_a_sentence_that_seems_to_end_near_a_pause_ends_there() -> None:
    first, second = segments("One, two, three. Six, seven.", ((0.0, 5.0), (9.0, 14.0)))
    assert (first.end_s, second.start_s) == (5.0, 9.0), "by length alone 5.9 s of speech"


def test_sentences_never_overlap_however_many_meet_one_pause() -> None:
    found = segments("A. B. C. D.", ((0.0, 0.5), (4.0, 4.5)))
    times = [time_s for each in found for time_s in (each.start_s, each.end_s)]
    assert times == sorted(times)


TALK = [
    Segment(0.0, 20.0, "First."),
    Segment(20.5, 40.0, "Second."),
    Segment(43.0, 50.0, "Third, which"),
    Segment(54.0, 70.0, "goes on."),
]


def test_a_long_pause_after_a_sentence_starts_a_paragraph_and_never_one_within_it() -> None:
    assert flowing(TALK, "en") == "First. Second.\n\nThird, which goes on."


@pytest.mark.parametrize(
    ("language", "text"), [("en", "First. Second. Third, which"), ("ja", "First.Second.Third, which")]
)
def test_a_short_text_has_no_paragraphs_and_spaces_only_where_the_language_has_them(language: str, text: str) -> None:
    assert flowing(TALK[:3], language) == text
    assert flowing([], language) == ""
