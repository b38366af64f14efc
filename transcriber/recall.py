"""What Redis holds, read back with care: another hand may have written there, and what makes no sense is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from transcriber.voice import Voice

T = TypeVar("T")


def recall(parse: Callable[[Any], T], text: str | bytes | None) -> T | None:
    """What `parse` makes of `text`; None for nothing, and for what it cannot be made of."""
    if text is None:
        return None
    try:
        return parse(text)
    except (ValueError, TypeError, LookupError, RecursionError):  # no JSON, of another shape, or too deep
        return None


def finite(text: str) -> float:
    """A number. Raises ValueError for what is none, infinity included."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def numbers(texts: Iterable[str]) -> list[int]:
    """Those of `texts` that are whole numbers."""
    return [number for number in (recall(int, text) for text in texts) if number is not None]


def voices(lines: Mapping[str, str]) -> dict[str, Voice]:
    """The voices in a hash of `chat:message` -> Voice; each must be what its key says."""
    found = {key: recall(Voice.from_json, line) for key, line in lines.items()}
    return {key: voice for key, voice in found.items() if voice is not None and voice.key == key}
