"""Every engine at every voice, in turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from importlib import util
from typing import Any

from benchmarks.processes import Contender, Lane
from benchmarks.recordings import FOLDERS, recordings
from benchmarks.results import MODEL, Answers, Row, row

LANGUAGES = {MODEL: ("ru", "en"), "tiny.en": ("en",)}  # model -> what it is given to hear
ENGINES = ("ours", "naive", "known", "greedy", "whisper.cpp")


def race(lane: Lane, only: str, turns: int) -> Iterator[list[Row]]:
    """The rows of each voice."""
    engines = [name for name in ENGINES if name != "whisper.cpp" or util.find_spec("pywhispercpp")]
    for model, languages in LANGUAGES.items():
        with ExitStack() as stack:
            contenders = [stack.enter_context(Contender(name, model, lane.threads)) for name in engines]
            for contender in contenders:  # the first time is for the caches
                lane.ask(contender, [FOLDERS[0] / "en_3s.ogg"], 3.0, "en")
            for voice in recordings(only, languages):
                yield _rows(lane, model, voice, contenders, turns)


def _rows(lane: Lane, model: str, voice: dict[str, Any], contenders: list[Contender], turns: int) -> list[Row]:
    able = list(contenders)
    found: list[Answers] = []
    for _ in range(turns):
        turn: Answers = {}
        for contender in list(able):
            answer = lane.ask(contender, [voice["path"]], voice["seconds"], voice["lang"])
            if answer:
                turn[contender.engine] = answer
            else:
                able.remove(contender)  # what killed it once would do so again
        found.append(turn)
    answered = [name for name in ENGINES if any(name in turn for turn in found)]
    return [row(model, voice, name, found) for name in answered]
