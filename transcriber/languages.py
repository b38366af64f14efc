"""Which language somebody speaks: what is heard now, weighed with what is known about them. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from pydantic import ConfigDict, TypeAdapter

# Below either, a detection is a guess: notes of 3 s and more are detected with 0.99 (benchmarks/window_sweep.py).
SURE_PROBABILITY = 0.8
SURE_SPEECH_S = 2.5
# A first sure note is worth FIRST, each further one halves the doubt up to MOST, a sure note in another language takes
# OTHER away: two of them in a row always turn even the firmest memory.
FIRST, MOST, OTHER = 0.6, 0.95, 0.5
LEAST = 0.25  # a memory weaker than this is forgotten
HALF_LIFE_S = 90 * 86_400.0  # ours: people move, but not within a month


@dataclass(frozen=True, slots=True)
class LanguageHint:
    """What somebody usually speaks: a code like "ru", how firm that is (0 … 1), and when they last did (Unix s)."""

    language: str
    confidence: float
    at: float

    __pydantic_config__ = ConfigDict(allow_inf_nan=False)

    def to_json(self) -> str:
        """One line of JSON, the form in which Redis keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> LanguageHint:
        """The reverse of `to_json`. Raises ValueError for anything else."""
        return _HINT.validate_json(line)

    def aged(self, now: float) -> LanguageHint | None:
        """What is left of it at `now`, None when that is too little."""
        confidence = self.confidence * 0.5 ** (max(0.0, now - self.at) / HALF_LIFE_S)
        return LanguageHint(self.language, confidence, now) if confidence >= LEAST else None


_HINT = TypeAdapter(LanguageHint)


def is_sure(probability: float, speech_s: float) -> bool:
    """Whether a detection says more than what is remembered."""
    return probability >= SURE_PROBABILITY and speech_s >= SURE_SPEECH_S


def prefer(hint: LanguageHint | None, detected: dict[str, float], speech_s: float) -> tuple[str, float]:
    """The language to decode with and its probability in `detected`: the likeliest when sure, else the remembered."""
    likeliest = max(detected, key=lambda code: detected[code])
    if hint and hint.language in detected and not is_sure(detected[likeliest], speech_s):
        return hint.language, detected[hint.language]
    return likeliest, detected[likeliest]


def update(
    memory: LanguageHint | None, language: str, probability: float, speech_s: float, now: float
) -> LanguageHint | None:
    """What to remember after a note; a short or unsure one changes nothing."""
    if not is_sure(probability, speech_s):
        return memory
    known = memory.aged(now) if memory else None
    if known is None:
        return LanguageHint(language, FIRST, now)
    if known.language == language:
        return LanguageHint(language, min(MOST, (1 + known.confidence) / 2), now)
    if known.confidence - OTHER < LEAST:
        return LanguageHint(language, FIRST, now)
    return LanguageHint(known.language, known.confidence - OTHER, now)
