"""Broken commands through the real intake: raw message, command table, state in a real Redis."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pyrogram import raw

from tests.people import ANNA, BORIS, OWNER, FakeEngine, voice
from tests.test_commands import CHAT, SAY, Desk
from transcriber import inbox, models
from transcriber.errors import ModelUnavailable
from transcriber.memory import give_memory_back
from transcriber.parts import units
from transcriber.state import State

MOST_UNITS = 4_096  # of a message; longer answers never reach the owner
NAMES = ("status", "model", "lang", "words", "add", "remove", "list", "retry", "forget", "privacy", "help", "start")
ARGUMENTS = ("", "@anna", str(ANNA), "ru", "auto", "base", "small.en", "owner/name", "all", "Анна, Борис", "-")
SPACES = (*" " * 8, "  ", "\n", "\t", "@bot ")
HOSTILE = (
    *(
        "../../etc/passwd",
        "/etc/passwd",
        "~root",
        "a/../../b",
        "..",
        "C:\\x",
        "file:///dev/zero",
        "$(id)",
        "`id`",
        "; id",
    ),
    *(
        "{0}",
        "{login.__class__}",
        "%s%n",
        "%(name)s",
        "\x1b[2J\x1b]0;x\x07",
        "\r\n2026-11-21 ERROR forged",
        "\0",
        "\u202e",
    ),
    *(
        "vt:tracked",
        "*",
        "\r\nFLUSHALL\r\n",
        "1e309",
        "-0",
        "--5",
        "+7",
        "²",
        "٣",
        "৪",
        "9" * 400,
        str(2**63),
        "NaN",
        "\ud800",
    ),
    *(
        "<b>x</b>",
        "[x](http://x)",
        "'; DROP",
        '"',
        "\\",
        "👩\u200d👩\u200d👧" * 50,
        "é" * 2_000,
        "𝕏" * 2_000,
        "ß",
        "İ",
        " " * 300,
    ),
)


@dataclass
class Report:
    """How many commands were answered how; `findings` are what must not happen."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)  # what -> the first text that did it
    memory_kb: list[int] = field(default_factory=list)  # after each thousand

    def __str__(self) -> str:
        lines = [f"{count:8} {outcome}" for outcome, count in self.outcomes.most_common()]
        lines += [f"FOUND {what}: {text!r}" for what, text in self.findings.items()]
        if len(self.memory_kb) > 1:
            lines.append(f"memory grew by {self.memory_kb[-1] - self.memory_kb[1]} KB after the second thousand")
        return "\n".join(lines)


class Models(FakeEngine):
    """Takes the names that real models may have, and has two of them."""

    folder = Path()

    async def load(self, name: str, *, on_progress: Callable[[float], None] | None = None) -> None:
        if not models.file_bytes(name, self.folder) and name not in ("base", "small.en"):
            raise ModelUnavailable("model_unknown", model=name)
        self.model = name


async def fuzz_commands(seed: int, count: int, state: State, folder: Path) -> Report:
    """Give `count` broken commands; afterwards look at what is left in Redis and in the folder."""
    report, begun = Report(), list[Coroutine[Any, Any, None]]()
    desk = Desk(state, folder, spawn=begun.append, engine=Models())
    desk.chat.authors = {(CHAT, 7): BORIS, (CHAT, 8): ANNA}
    desk.chat.histories = {CHAT: [voice(8, chat_id=CHAT)]}
    for number in range(count):
        dice = random.Random(f"{seed}:{number}")
        text, reply_to = command_text(dice), dice.choice((0, 0, 7, 8))
        desk.chat.texts.clear()
        command = inbox.command_of(_message(text, reply_to), OWNER)
        if command is not None:
            await desk.commands.on_command(command)
        while begun:
            await begun.pop()
        _judge(report, text, desk.chat.texts.get((CHAT, 1)), SAY)
        if (number + 1) % 1_000 == 0:
            give_memory_back()
            report.memory_kb.append(psutil.Process().memory_info().rss // 1024)
    await _look_around(report, state, folder)
    return report


def command_text(dice: random.Random) -> str:
    """A command that may be right, and its argument, both of them mutated."""
    argument = " ".join(dice.choice((*ARGUMENTS, *HOSTILE)) for _ in range(dice.choice((0, 1, 1, 1, 2, 4))))
    text = f"/{dice.choice(NAMES)}{dice.choice(SPACES)}{argument}"
    letters = list(text)
    spared = dice.choice((1, 8, 8, 8))  # most keep the name of a command
    for _ in range(dice.choice((0, 0, 1, 2, 20))):
        at = dice.randrange(min(spared, len(letters)), len(letters) + 1)
        match dice.randrange(4):
            case 0:
                letters[at:at] = chr(
                    dice.choice((dice.randrange(128), dice.randrange(0x3000), dice.randrange(0x110000)))
                )
            case 1:
                del letters[at : at + dice.randrange(1, 5)]
            case 2:
                letters[at:at] = letters[at : at + 8] * dice.choice((1, 3, 60))
            case _:
                letters[at:at] = dice.choice(HOSTILE)
    return "".join(letters)[:MOST_UNITS]


def _message(text: str, reply_to: int) -> Any:
    """The text as Telegram delivers it, by way of its bytes: what is no Unicode cannot arrive."""
    message = raw.types.Message(
        id=1,
        peer_id=raw.types.PeerUser(user_id=CHAT),
        date=0,
        message=text.encode("utf-8", "ignore").decode(),
        out=True,
        reply_to=raw.types.MessageReplyHeader(reply_to_msg_id=reply_to) if reply_to else None,
    )
    message.from_id = raw.types.PeerUser(user_id=OWNER)
    return message


def _judge(report: Report, text: str, answer: str | None, say: Any) -> None:
    if answer is None:
        report.outcomes["not a command of ours"] += 1
    elif not answer or units(answer) > MOST_UNITS:
        report.findings.setdefault(f"an answer of {units(answer)} units", text)
    elif answer.startswith(say("unexpected_error", error="")):
        report.findings.setdefault(answer, text)
    elif answer.startswith("⏳"):
        report.findings.setdefault("left in the middle", text)
    else:
        report.outcomes[answer[:1]] += 1


async def _look_around(report: Report, state: State, folder: Path) -> None:
    """Nothing in Redis under a name that somebody made up, and no file anywhere near."""
    names: list[str] = await state.redis.keys("*")  # type: ignore[assignment]  # this client decodes
    for name in names:
        kind, _, rest = name.removeprefix("vt:").partition(":")
        if rest.replace(":", "").removeprefix("-").isdecimal() or (not rest and kind.isascii() and kind.isidentifier()):
            report.outcomes[f"vt:{kind} in Redis"] += 1
        else:
            report.findings[f"the key {name!r}"] = ""
    for path in folder.rglob("*"):
        report.findings[f"the file {path}"] = ""
