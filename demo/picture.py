"""The chat as a picture: one SVG that needs no font, script or address from anywhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from html import escape

from demo.bubbles import BARS, LEVELS, Bubble, Divider, clock

WIDTH, MARGIN, GAP = 560, 16, 10
PADDING, LINE, SIZE = 13, 20, 15  # inside a bubble: around the text, from line to line, of the letters
WIDEST_TEXT = 440
VOICE_WIDTH, VOICE_HEIGHT, BAR_STEP, BAR_HEIGHT = 260, 58, 6, 24
FONTS = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"
BACK, FOREIGN, OWN = "#d5e4ee", "#ffffff", "#e7fbd5"
INK, FAINT, BLUE, GREEN = "#16202a", "#7d8b97", "#2f8fdd", "#4a9e4f"


def picture(items: Iterable[Bubble | Divider]) -> str:
    """The SVG with all messages, one below the other."""
    y, drawn = MARGIN, []
    for item in items:
        height, shapes = _divider(item) if isinstance(item, Divider) else _bubble(item)
        drawn.append(f'<g transform="translate(0 {y})">{shapes}</g>')
        y += height + GAP
    height = y - GAP + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="{FONTS}" font-size="{SIZE}" fill="{INK}">\n'
        f'<rect width="{WIDTH}" height="{height}" rx="14" fill="{BACK}"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def wrapped(text: str, width: float) -> list[str]:
    """`text` in lines that fit into `width` pixels whatever sans-serif font the reader has."""
    lines = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            if line and _pixels(f"{line} {word}") > width:
                lines.append(line)
                line = ""
            line = f"{line} {word}".strip()
        lines.append(line)
    return lines


def _pixels(text: str) -> float:
    return sum(SIZE * _em(character) for character in text)


def _em(character: str) -> float:
    """A cautious guess at a letter's width; the widest common fonts stay below it."""
    if character in " .,:;!|'()ijltfr":
        return 0.36
    if unicodedata.east_asian_width(character) in "WF":
        return 1.3
    return 0.78 if character.isupper() or character in "mwжмшщыю—" else 0.6


def _divider(item: Divider) -> tuple[int, str]:
    width = _pixels(item.title) + 28
    plate = f'<rect x="{(WIDTH - width) / 2:.0f}" width="{width:.0f}" height="26" rx="13" fill="#8fa9ba"/>'
    return 26, plate + _text(WIDTH / 2, 18, item.title, 'fill="#fff" font-weight="600" text-anchor="middle"')


def _bubble(item: Bubble) -> tuple[int, str]:
    width, height, inside = _voice(item) if item.bars else _words(item)
    left = WIDTH - MARGIN - width if item.own else MARGIN
    plate = f'<rect width="{width}" height="{height}" rx="14" fill="{OWN if item.own else FOREIGN}"/>'
    return height, f'<g transform="translate({left} 0)">{plate}{inside}</g>'


def _voice(item: Bubble) -> tuple[int, int, str]:
    middle = VOICE_HEIGHT // 2
    button = f'<circle cx="{middle + 4}" cy="{middle}" r="19" fill="{BLUE}"/><path d="M28 21v16l13-8z" fill="#fff"/>'
    bars = ""
    for index, level in enumerate(item.bars):
        tall = 3 + (BAR_HEIGHT - 3) * level // (LEVELS - 1)
        bars += f'<rect x="{64 + index * BAR_STEP}" y="{34 - tall}" width="3" height="{tall}" rx="1.5" fill="{BLUE}"/>'
    caption = f"{clock(item.duration_s)} · {item.text}" if item.text else clock(item.duration_s)
    caption = _text(64, 50, caption, f'fill="{FAINT}" font-size="12"')
    return max(VOICE_WIDTH, 64 + BARS * BAR_STEP + PADDING), VOICE_HEIGHT, button + bars + caption


def _words(item: Bubble) -> tuple[int, int, str]:
    """The strip that says which message is answered, the text, and the time the answer took."""
    lines = wrapped(item.shown, WIDEST_TEXT)
    needed = [*map(_pixels, lines), _pixels(item.reply_to) + 12, _pixels(item.took)]
    width = round(max(needed)) + 2 * PADDING
    y, inside = PADDING, ""
    if item.reply_to:
        inside += f'<rect x="{PADDING}" y="{y}" width="3" height="18" rx="1.5" fill="{GREEN}"/>'
        inside += _text(PADDING + 11, y + 14, item.reply_to, f'fill="{GREEN}" font-size="13"')
        y += 26
    for line in lines:
        inside += _text(PADDING, y + 14, line)
        y += LINE
    if item.took:
        inside += _text(width - PADDING, y + 11, item.took, f'fill="{GREEN}" font-size="12" text-anchor="end"')
        y += 14
    return width, y + PADDING - 4, inside


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(text)}</text>'
