"""What tells speech from invention: how sure the decoder was, loops, how much was said in the time. Pure."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from transcriber.decoding import Heard
from transcriber.media import Samples

# Numbers without another source come from benchmarks/guard_sweep.py: notes under noise, and sounds without speech.
# Word errors by score: 0.06 above -0.2, 0.33 at -0.45, 0.58 at -0.65, 0.9 below -0.7, where most words are wrong.
# Whisper's own logprob_threshold is -1.
BROKEN_LOG_PROBABILITY = -0.7
COMPRESSION = 2.4  # Whisper's own compression_ratio_threshold
ENDLESS = 4.0  # the same for loops that nobody says: eight times "да, " is 2.8, loops in noise lie between 4 and 18
# Below this somebody should be told: at -0.45 every third word is wrong. Clear notes lie above -0.25.
DOUBTFUL_LOG_PROBABILITY = -0.5
DOUBTFUL_COMPRESSION = 1.9  # the same sentence three times; doubtful notes lie below 1.8
# Speech backwards is taken for one of many languages (0.3 to 0.5); notes as loud as their noise for one (0.9 and more).
GUESSED_LANGUAGE = 0.5
# On noisy notes beams below -0.3 to -0.5 bring the word errors from 0.280 to 0.253, at -0.7 hardly any is left
# (benchmarks/window_sweep.py).
UNSURE_LOG_PROBABILITY = -0.4
# Quick speech has about 20 letters a second (250 words of 5 letters a minute are 21); ours, with room.
MAX_LETTERS_PER_S = 30.0
# Phrases are believed when spoken clearly: sure of the words (clear notes: above -0.25) and sure that there were any.
CLEAR_LOG_PROBABILITY = -0.3
CLEAR_NO_SPEECH = 0.3
# Below this there is nothing to hear: one step of 16-bit sound is -90. Ours; decibels to full scale.
SILENT_DBFS = -65.0

# The same words said again and again: four times a phrase, eight times a word, since people do say "yes, yes, yes".
# No digits: whoever dictates a number may well say eight zeros.
_GAP = r"[\s,.!?…-]+"
_LOOPS = (
    re.compile(rf"(?i)\b([^\W\d]+{_GAP}[^\d]{{0,80}}?[^\W\d])(?:{_GAP}\1\b){{3,}}"),
    re.compile(rf"(?i)\b([^\W\d]+)(?:{_GAP}\1\b){{7,}}"),
)
_NOT_WORDS = re.compile(r"[^\w\s]|_")


def is_silent(samples: Samples) -> bool:
    """Whether `samples` (-1 … 1) hold next to nothing."""
    power = float(np.mean(np.square(samples))) if samples.size else 0.0
    return bool(10 * np.log10(power + 1e-12) < SILENT_DBFS)


def is_unsure(heard: Heard, speech_s: float) -> bool:
    """Whether a better search through the same encoder output is worth its time."""
    return heard.log_probability < UNSURE_LOG_PROBABILITY or is_broken(heard, speech_s)


def is_broken(heard: Heard, speech_s: float) -> bool:
    """Whether this is no transcript at all, so that the full window is worth a try."""
    return (
        heard.was_cut
        or heard.log_probability < BROKEN_LOG_PROBABILITY
        or heard.compression > COMPRESSION
        or len(heard.text) > MAX_LETTERS_PER_S * max(1.0, speech_s)
        or collapsed(heard.text) != heard.text
    )


def better(first: Heard, second: Heard, speech_s: float) -> Heard:
    """The one to believe: whole before broken, then the one the decoder is surer of."""
    return max(first, second, key=lambda heard: (not is_broken(heard, speech_s), heard.log_probability))


def is_doubtful(heard: Heard, speech_s: float) -> bool:
    """Whether a text that is believed deserves a sign that it may be wrong: as a rule every third word is."""
    return heard.log_probability < DOUBTFUL_LOG_PROBABILITY or is_broken(heard, speech_s)


def believed(heard: Heard, language: str, speech_s: float, language_probability: float = 1.0) -> str:
    """The text that remains after the last try: loops said once; empty where this is no transcript of anything.

    An endless loop that is over half of the text takes all of it along: its own score hides that of the rest. A text
    that was cut off for another reason is believed: scripts spelled byte by byte need more tokens than a window allows.
    """
    rest = replace(heard, text=collapsed(heard.text), was_cut=False)
    endless = (heard.was_cut or heard.compression > ENDLESS) and len(rest.text) < len(heard.text) / 2
    doubtful = heard.log_probability < DOUBTFUL_LOG_PROBABILITY
    guessed = doubtful and (language_probability < GUESSED_LANGUAGE or rest.compression > DOUBTFUL_COMPRESSION)
    unclear = heard.no_speech_probability > CLEAR_NO_SPEECH or heard.log_probability < CLEAR_LOG_PROBABILITY
    invented = endless or guessed or (unclear and is_phrase(rest.text, language)) or is_broken(rest, speech_s)
    return rest.text if not invented and any(letter.isalnum() for letter in rest.text) else ""


def collapsed(text: str) -> str:
    """`text` with every loop said once."""
    for word_or_phrase in reversed(_LOOPS):
        text = word_or_phrase.sub(r"\1", text)
    return text


def is_phrase(text: str, language: str) -> bool:
    """Whether `text` is nothing but known inventions: subtitle credits, thanks for watching."""
    rest = _plain(text)
    for phrase in sorted(_phrases(language), key=len, reverse=True):
        rest = re.sub(rf"\b{phrase}\b", " ", rest)
    return not rest.split()


@cache
def _phrases(language: str) -> tuple[str, ...]:
    """Patterns over plain words; a star stands for up to four words, names mostly."""
    table = tomllib.loads(Path(__file__).with_name("phrases.toml").read_text("utf-8"))
    lines = [*table.get(language, []), *table["all"]]
    return tuple(_plain(line.replace("*", "STAR")).replace("star", r"(?:\w+ ?){1,4}") for line in lines)


def _plain(text: str) -> str:
    return " ".join(_NOT_WORDS.sub(" ", text.lower().replace("ё", "е")).split())
