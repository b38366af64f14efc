"""The chat in a terminal, of any width and with any character set."""

from __future__ import annotations

import sys
from typing import TextIO

from rich.align import Align
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from demo.bubbles import BARS, Bubble, Divider, clock

BLOCKS, ASCII_BLOCKS = "▁▂▃▄▅▆▇█", "_.-:=+*#"
WIDEST = 64  # columns of a bubble


def open_console(stream: TextIO = sys.stdout) -> Console:
    """A console that replaces what it cannot print."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    return Console(file=stream, highlight=False, emoji=False, markup=False)


def draw(item: Bubble | Divider, console: Console) -> RenderableType:
    """One message, or the line between two chats."""
    is_ascii = not console.encoding.lower().startswith("utf")
    if isinstance(item, Divider):
        return Rule(Text(item.title), characters="-" if is_ascii else "─", style="dim")
    widest = min(WIDEST, max(console.width * 4 // 5, 24), console.width)
    body = _voice(item, is_ascii, widest - 4) if item.bars else Text(item.shown)
    if item.reply_to:
        body = Text.assemble((f"{'|' if is_ascii else '▎'}{item.reply_to}\n", "blue"), body)
    bubble = Panel(
        body,
        width=min(widest, _natural_width(body)),
        subtitle=Text(item.took) if item.took else None,
        subtitle_align="right",
        border_style="green" if item.own else "white",
    )
    return Align(bubble, "right" if item.own else "left")


def _voice(item: Bubble, is_ascii: bool, columns: int) -> Text:
    blocks, play = (ASCII_BLOCKS, ">") if is_ascii else (BLOCKS, "▶")
    room = max(1, min(BARS, columns - 9))
    bars = "".join(blocks[item.bars[i * len(item.bars) // room]] for i in range(room))
    voice = Text.assemble((f"{play} {bars}", "cyan"), f" {clock(item.duration_s)}")
    return voice.append(f"\n{item.text}", "dim") if item.text else voice


def _natural_width(body: Text) -> int:
    """Columns of the bubble when nothing has to be wrapped; the time below the text needs some as well."""
    return max(max(line.cell_len for line in body.split("\n")), 8) + 4
