"""How many words are wrong: the word error rate of a transcript against what was said."""

from __future__ import annotations

import re

_NOT_WORDS = re.compile(r"[^\w\s]|_")


def words(text: str) -> list[str]:
    """`text` in lower case without punctuation; ё is е, as Russians write it."""
    return _NOT_WORDS.sub(" ", text.lower().replace("ё", "е")).split()


def word_error_rate(said: str, heard: str) -> float:
    """Words replaced, left out and made up, per word that was said (Levenshtein); 0 is perfect, above 1 is possible."""
    expected, got = words(said), words(heard)
    if not expected:
        return float(bool(got))
    row = list(range(len(got) + 1))
    for i, want in enumerate(expected, 1):
        diagonal, row[0] = row[0], i
        for j, word in enumerate(got, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (want != word))
    return row[-1] / len(expected)
