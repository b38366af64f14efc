"""Small bar charts as inline SVG: no script, no style attribute, nothing from elsewhere. Pure functions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 300, 84
_LEFT, _BOTTOM, _TOP = 30, 14, 8
_CLASSES = ("first", "second", "third")
_HOUR_S = 3600


@dataclass(frozen=True)
class Series:
    """One kind of bars; those of several series stand on each other."""

    name: str
    values: Sequence[float]


def chart(title: str, series: Sequence[Series], now: float) -> str:
    """Bars for each hour of the last day, the present one at the right, with the hours below."""
    count = len(series[0].values)
    top = _nice(max(sum(values) for values in zip(*(one.values for one in series), strict=True)))
    step = (_WIDTH - _LEFT) / count
    marks = [_axis(top), *(_bars(index, one_hour, step, top) for index, one_hour in enumerate(_stacked(series)))]
    marks += [_hour(index, count, step, now) for index in range(0, count, 6)]
    legend = _legend(series) if len(series) > 1 else ""
    picture = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">{"".join(marks)}</svg>'
    return f"<div><h2>{escape(title)}</h2>{picture}{legend}</div>"


def _stacked(series: Sequence[Series]) -> list[list[float]]:
    return [list(values) for values in zip(*(one.values for one in series), strict=True)]


def _bars(index: int, values: list[float], step: float, top: float) -> str:
    x, bars, below = _LEFT + index * step + 1, [], 0.0
    for kind, value in zip(_CLASSES, values, strict=False):
        height = value / top * (_HEIGHT - _BOTTOM - _TOP)
        y = _HEIGHT - _BOTTOM - below - height
        if value:
            bars.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{step - 2:.1f}" height="{height:.1f}"/>')
        below += height
    return "".join(bars)


def _axis(top: float) -> str:
    floor = _HEIGHT - _BOTTOM
    lines = "".join(f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y}" y2="{y}"/>' for y in (_TOP, floor))
    labels = f'<text x="{_LEFT - 4}" y="{_TOP + 4}" text-anchor="end">{top:g}</text>'
    return f'{lines}{labels}<text x="{_LEFT - 4}" y="{floor}" text-anchor="end">0</text>'


def _hour(index: int, count: int, step: float, now: float) -> str:
    when = time.localtime(now - (count - 1 - index) * _HOUR_S)
    return f'<text x="{_LEFT + index * step:.0f}" y="{_HEIGHT - 2}">{when.tm_hour:02}:00</text>'


def _legend(series: Sequence[Series]) -> str:
    items = (
        f'<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="{kind}" width="1" height="1"/></svg>'
        f" {escape(one.name)}</li>"
        for kind, one in zip(_CLASSES, series, strict=False)
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _nice(highest: float) -> float:
    """The smallest round number that is not below `highest`."""
    size = 1.0
    while True:
        for factor in (1, 1.5, 2, 3, 4, 5, 6, 8):
            if highest <= size * factor:
                return size * factor
        size *= 10
