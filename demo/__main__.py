"""`python -m demo`: the sandbox, the unmodified daemon and two people, drawn as a chat. No account, no network."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from demo.bubbles import Bubble, Divider
from demo.conversation import WER_LIMIT, Conversation, Outcome
from demo.picture import picture
from demo.stage import NotStarted, Stage, stage
from demo.terminal import draw, open_console
from demo.words import DemoWords
from tests.weights import weights
from transcriber.texts import LANGUAGES

MODEL = "base"
INTERRUPTED = 130


def main(
    language: Annotated[str, typer.Option(help="The language of everything people read: ru or en.")] = LANGUAGES[0],
    svg: Annotated[Path | None, typer.Option(help="Also write the chat as a picture.")] = None,
) -> None:
    """Show the whole program at work without a Telegram account; exit code 0 when every answer came and is right."""
    if language not in LANGUAGES:
        raise typer.BadParameter(" / ".join(LANGUAGES), param_hint="--language")
    logging.basicConfig(level=logging.CRITICAL)  # the libraries of the phones; the daemon's log is its own
    try:
        code = asyncio.run(_demo(open_console(), language, svg))
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = INTERRUPTED
    raise typer.Exit(code)


async def _demo(console: Console, language: str, svg: Path | None) -> int:
    _end_like_ctrl_c()
    say = DemoWords(language)
    started_s = time.perf_counter()
    async with stage(weights(MODEL), language, owner=say("owner"), friend=say("friend")) as people:
        console.print(say("intro_telegram", port=people.telegram.port))
        console.print(say("intro_daemon", model=MODEL))
        console.print(say("intro_people", friend=say("friend")))
        try:
            drawn, outcome = await _perform(people, console, language, started_s)
        except NotStarted as error:
            console.print(f"{say('no_start')}\n{error}")
            return 1
    if svg is not None:
        svg.write_text(picture(drawn), "utf-8")
    console.print("", _summary(outcome, say, time.perf_counter() - started_s), sep="\n")
    return 1 if outcome.complaints else 0


async def _perform(
    people: Stage, console: Console, language: str, started_s: float
) -> tuple[list[Bubble | Divider], Outcome]:
    """Everything that was drawn, and how it went."""
    say = DemoWords(language)
    drawn: list[Bubble | Divider] = []
    with tempfile.TemporaryDirectory() as folder, console.status(say("starting")) as status:
        async with people.running():
            console.print(say("started", seconds=round(time.perf_counter() - started_s)), "", sep="\n")
            status.update(say("waiting"))

            def show(item: Bubble | Divider) -> None:
                drawn.append(item)
                console.print(draw(item, console))

            outcome = await Conversation(people, language, show).play(Path(folder) / "broken.ogg")
    return drawn, outcome


def _summary(outcome: Outcome, say: DemoWords, seconds: float) -> str:
    counts = {"answers": outcome.answers, "asked": outcome.asked}
    if outcome.complaints:
        return say("not_well", **counts, reason=" ".join(outcome.complaints))
    mean = sum(outcome.error_rates) / len(outcome.error_rates)
    percent = f"{mean * 100:.0f}"
    return say("all_well", **counts, mean=percent, limit=f"{WER_LIMIT * 100:.0f}", seconds=round(seconds))


def _end_like_ctrl_c() -> None:
    """A closed terminal and SIGTERM also end the daemon that was started here."""
    task = asyncio.current_task()
    if task is None or sys.platform == "win32":
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


if __name__ == "__main__":
    typer.run(main)
