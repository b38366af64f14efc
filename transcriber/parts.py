"""Long texts: how one transcript becomes messages that Telegram takes. Pure functions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import regex

PART_LIMIT = 4_096  # UTF-16 code units of one message (https://limits.tginfo.me)
QUOTE_FROM = 1_000  # longer texts fold into an expandable quote, so that they do not flood the chat
_ROOM = 200  # kept free for `before` and `after`: the cuts must not move when an answer that was half sent becomes late

# Where to cut, best first: after a paragraph, a sentence, a word, a grapheme cluster.
_CUTS = tuple(regex.compile(pattern) for pattern in (r"\n{2,}", r"[.!?…]+[\"»”)]*\s+", r"\s+", r"\X"))
_LONGEST_GRAPHEME = 100  # code points; real ones stay under 20


@dataclass(frozen=True, slots=True)
class Part:
    """One message; `quote` is the (offset, length) in UTF-16 units of what folds, or None."""

    text: str
    quote: tuple[int, int] | None = None


def units(text: str) -> int:
    """Length in UTF-16 code units, which is how Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def split(text: str, limit: int = PART_LIMIT) -> list[str]:
    """Cut `text` at the best places so that no piece is over `limit` UTF-16 units or empty."""
    pieces = []
    rest = text.strip()
    while units(rest) > limit:
        head = _head(rest, limit)
        pieces.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    return [*pieces, rest] if rest else pieces


def shortened(text: str) -> str:
    """`text`, or as much of it as one message takes, with an ellipsis below."""
    pieces = split(text, PART_LIMIT - 2)
    return text if len(pieces) < 2 else f"{pieces[0]}\n…"


def compose(text: str, *, before: str = "", after: str = "") -> list[Part]:
    """The messages of one answer: `before` (say, "late") leads the first, `after` ends the last, neither is quoted."""
    assert units(before) + units(after) + 2 <= _ROOM
    quoted = units(text) > QUOTE_FROM
    pieces = split(text, PART_LIMIT - _ROOM)
    last = len(pieces) - 1
    return [
        _part(piece, quoted, before if index == 0 else "", after if index == last else "")
        for index, piece in enumerate(pieces)
    ]


def random_id(key: str, round_: int, index: int) -> int:
    """A 64-bit id that is the same at every try, so Telegram itself refuses to deliver a part twice.

    `key` is the voice (chat:message), `round_` counts the owner's /retry, `index` the part.
    """
    digest = hashlib.blake2b(f"{key}:{round_}:{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def _part(piece: str, quoted: bool, before: str, after: str) -> Part:
    offset = units(before) + 1 if before else 0
    text = "\n".join(line for line in (before, piece, after) if line)
    return Part(text, (offset, units(piece)) if quoted else None)


def _head(text: str, limit: int) -> str:
    """The longest prefix within `limit` (white space at its end not counted) that ends at the best kind of cut."""
    stop = _fitting(text, limit)
    stop += text[stop : stop + 1].isspace()
    for cut in _CUTS:
        ends = [match.end() for match in cut.finditer(text, 0, stop + _LONGEST_GRAPHEME) if match.end() <= stop]
        if ends and ends[-1] > stop // 2:
            return text[: ends[-1]]
    return text[:stop]  # a single cluster longer than a message


def _fitting(text: str, limit: int) -> int:
    """How many leading code points of `text` fit into `limit` UTF-16 units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if ord(character) > 0xFFFF else 1
        if used > limit:
            return index
    return len(text)
