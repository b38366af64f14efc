"""The status page: the facts as one HTML document without a script and without anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import time
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from transcriber.charts import Series, chart
from transcriber.facts import Facts, Stored
from transcriber.status import model, span
from transcriber.tally import Counts
from transcriber.texts import Words

_HERE = Path(__file__).parent
_PAGE = Template((_HERE / "page.html").read_text("utf-8"))
_STYLE = (_HERE / "page.css").read_text("utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

# Nothing may be loaded, run, framed or sent; only this one style sheet counts.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(facts: Facts, well: bool, sentence: str, say: Words) -> str:
    """The document; `well` and `sentence` are the verdict."""
    stored = facts.stored
    return _PAGE.substitute(
        language=say.language,
        title=escape(say("page_title")),
        style=_STYLE,
        health="well" if well else "unwell",
        verdict=escape(sentence),
        parts_title=escape(say("page_parts")),
        parts="".join(_part(name, part, facts.at, say) for name, part in facts.parts.items()),
        numbers=_numbers(stored, facts, say) if stored else "",
        charts=_charts(stored.hours, facts.at, say) if stored else "",
        errors_title=escape(say("page_errors")),
        errors=_errors(stored.errors if stored else [], facts.at, say),
        footer=_footer(facts, say),
    )


def _part(name: str, part: dict[str, Any], now: float, say: Words) -> str:
    level = escape(part["level"])
    since = escape(say("page_since", span=span(now - part["since"], say)))
    reason = f'<p class="reason">{escape(part["reason"])}</p>' if part["reason"] else ""
    return f'<div class="{level.lower()}"><b>{level}</b>{escape(name)}{reason}<p>{since}</p></div>'


def _numbers(stored: Stored, facts: Facts, say: Words) -> str:
    day = _sum(stored.hours)
    head = say("page_head", span=span(stored.head_age_s, say)) if stored.waiting else say("page_head_none")
    last = say("status_ago", span=span(facts.at - stored.last_at, say)) if stored.last_at else "—"
    delay = f"{day['delay_s'] / day['answered']:.1f} {say('page_s')}" if day.get("answered") else "—"
    speed = f"{day['work_s'] / day['audio_s']:.2f}" if day.get("audio_s") else "—"
    tiles = (
        (say("page_waiting"), str(stored.waiting), head),
        (say("page_answered"), f"{day.get('answered', 0):.0f}", say("page_last", ago=last)),
        (say("page_delay"), delay, say("page_day")),
        (say("page_speed"), speed, say("page_speed_means")),
        (say("page_given_up"), str(stored.given_up), say("page_given_up_means")),
    )
    return "".join(
        f"<div><h2>{escape(a)}</h2><strong>{escape(b)}</strong><p>{escape(c)}</p></div>" for a, b, c in tiles
    )


def _charts(hours: list[Counts], now: float, say: Words) -> str:
    def per_hour(field: str, unit: float = 1.0) -> list[float]:
        return [hour.get(field, 0.0) / unit for hour in hours]

    outcomes = [Series(say(f"page_{name}"), per_hour(name)) for name in ("text", "no_speech", "failed")]
    delays = [hour.get("delay_s", 0.0) / max(1.0, hour.get("answered", 0.0)) for hour in hours]
    return (
        chart(say("page_chart_voices"), outcomes, now)
        + chart(say("page_chart_delay"), [Series("", delays)], now)
        + chart(say("page_chart_speech"), [Series("", per_hour("audio_s", 60))], now)
    )


def _errors(errors: list[dict[str, Any]], now: float, say: Words) -> str:
    if not errors:
        return f'<p class="nothing">{escape(say("page_no_errors"))}</p>'
    rows = (
        "<tr>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in (_when(entry["at"], now), entry["where"], entry["what"]))
        + "</tr>"
        for entry in errors
    )
    return f"<table>{''.join(rows)}</table>"


def _when(at: float, now: float) -> str:
    return time.strftime("%H:%M" if now - at < 86_400 else "%d.%m %H:%M", time.localtime(at))


def _footer(facts: Facts, say: Words) -> str:
    uptime = span(facts.at - facts.started_at, say)
    process = say("status_process", uptime=uptime, reconnects=facts.reconnects, mb=facts.memory_mb)
    return f"<p>{escape(model(facts, say))}</p><p>{escape(process)}</p><p>{time.strftime('%Y-%m-%d %H:%M:%S %Z')}</p>"


def _sum(hours: list[Counts]) -> Counts:
    fields = {field for hour in hours for field in hour}
    return {field: sum(hour.get(field, 0.0) for hour in hours) for field in fields}
