"""The rounds of an answer: each /retry is one more, and turns the messages of the one before into its own. Pure.

`marks` are those of `state`: `sent:R:N` is the id of the message that holds part N of round R (1 or less: not known),
`answer:N` the same of the round before.
"""

from __future__ import annotations

from transcriber.recall import recall

Marks = dict[str, str]


def number(marks: Marks) -> int:
    """Which round it is, from 0."""
    return recall(int, marks.get("round")) or 0


def delivered(marks: Marks, index: int) -> str:
    """The name of the mark that part `index` of this round is in the chat."""
    return f"sent:{number(marks)}:{index}"


def earlier(marks: Marks, index: int) -> int:
    """The message with part `index` of the round before, 0 when there is none."""
    return _id(marks.get(f"answer:{index}"))


def shown(marks: Marks, index: int) -> int:
    """The message with part `index` of this round, 0 when it is not known."""
    return _id(marks.get(delivered(marks, index)))


def has_text(marks: Marks) -> bool:
    """Whether an earlier round left a text in the chat."""
    return "has_text" in marks


def is_thorough(marks: Marks) -> bool:
    """Whether the owner asked for this voice in particular."""
    return "thorough" in marks


def opened(marks: Marks, *, thorough: bool) -> Marks:
    """What stays of `marks` when the next round begins."""
    fresh = {"round": str(number(marks) + 1)}
    told = {name: id_ for name, id_ in marks.items() if name.startswith("answer:")}
    now = f"sent:{number(marks)}:"
    told |= {name.replace(now, "answer:"): id_ for name, id_ in marks.items() if name.startswith(now)}
    fresh |= {name: id_ for name, id_ in told.items() if _id(id_)}
    if has_text(marks) or marks.get("outcome") == "text":
        fresh["has_text"] = "1"
    if thorough:
        fresh["thorough"] = "1"
    return fresh


def _id(mark: str | None) -> int:
    """0 for what is none: 1 is what an earlier version has noted, and no answer is the first message of a chat."""
    found = recall(int, mark) or 0
    return found if found > 1 else 0
