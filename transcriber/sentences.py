"""What was heard in the windows as sentences with their times, and those as one text with paragraphs. Pure."""

from __future__ import annotations

import re
from itertools import accumulate, pairwise

from transcriber.lanes import LONG_S
from transcriber.voice import Segment
from transcriber.windows import JOIN_S

Spans = tuple[tuple[float, float], ...]  # starts and ends of speech in seconds of the sound, in order

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue", "bo"})  # languages written without spaces
# A sentence that seems to end this near to a pause ends there: nobody is silent for JOIN_S within one, as a rule.
# Times by length of text are off by about a second; ours.
SNAP_S = 1.5

_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_ENDS = tuple(".!?…。！？")  # Chinese and Japanese sentences end in wide marks


def segments(text: str, spans: Spans) -> list[Segment]:
    """`text` by sentences, each with its share of the `spans` by its length, more exactly where a pause is near."""
    sentences = [sentence for sentence in _SENTENCE.split(text.strip()) if sentence]
    ends_s = _ends(sentences, spans)
    return [
        Segment(_at(spans, from_s, starts=True), _at(spans, to_s, starts=False), sentence)
        for sentence, from_s, to_s in zip(sentences, [0.0, *ends_s], ends_s, strict=False)
    ]


def flowing(found: list[Segment], language: str) -> str:
    """All segments as one text; in a long one (over LONG_S) a pause of JOIN_S after a sentence starts a paragraph."""
    if not found:
        return ""
    space = "" if language in UNSPACED else " "
    is_long = found[-1].end_s - found[0].start_s > LONG_S
    text = found[0].text
    for before, after in pairwise(found):
        pause_s = after.start_s - before.end_s
        is_new = is_long and pause_s >= JOIN_S and before.text.endswith(_ENDS)
        text += ("\n\n" if is_new else space) + after.text
    return text


def _ends(sentences: list[str], spans: Spans) -> list[float]:
    """Where each sentence ends, in seconds of speech alone."""
    lengths_s = [end_s - start_s for start_s, end_s in spans]
    so_far = list(accumulate(map(len, sentences)))
    ends_s = [sum(lengths_s) * letters / so_far[-1] for letters in so_far]
    for pause_s in accumulate(lengths_s[:-1]):
        near = min(range(len(ends_s) - 1), key=lambda index: abs(ends_s[index] - pause_s), default=None)
        if near is None or abs(ends_s[near] - pause_s) > SNAP_S:
            continue
        if (ends_s[near - 1] if near else 0.0) < pause_s < ends_s[near + 1]:
            ends_s[near] = pause_s
    return ends_s


def _at(spans: Spans, spoken_s: float, *, starts: bool) -> float:
    """The time in the sound after `spoken_s` of speech; at a pause, its end for what `starts`, else its beginning."""
    for start_s, end_s in spans:
        length_s = end_s - start_s
        if spoken_s < length_s - 1e-6 or (not starts and spoken_s <= length_s + 1e-6):
            return min(start_s + spoken_s, end_s)
        spoken_s -= length_s
    return spans[-1][1]
