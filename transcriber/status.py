"""/status: one look tells how every part is, and why it is silent. The facts in words."""

from __future__ import annotations

from typing import Any

from transcriber.facts import Facts, Observer
from transcriber.health import Level
from transcriber.texts import Words

_ICON = {Level.OK: "🟢", Level.DEGRADED: "🟡", Level.DOWN: "🔴"}


class Status:
    """Answers /status; works without Redis."""

    def __init__(self, observer: Observer, say: Words) -> None:
        self._observer = observer
        self._say = say

    async def text(self) -> str:
        """The answer to /status."""
        return text(await self._observer.facts(), self._say)


def text(facts: Facts, say: Words) -> str:
    """The facts as lines of a chat message."""
    lines = [_part(name, part, facts.at, say) for name, part in facts.parts.items()]
    lines.append(model(facts, say))
    lines += _stored(facts, say)
    if facts.last_error:
        lines.append(say("status_last_error", error=facts.last_error))
    uptime = span(facts.at - facts.started_at, say)
    lines.append(say("status_process", uptime=uptime, reconnects=facts.reconnects, mb=facts.memory_mb))
    return "\n".join(lines)


def model(facts: Facts, say: Words) -> str:
    """The model in use; one that is put away is no trouble, but it explains the memory and a slower next answer."""
    key = "status_model_away" if facts.model_is_away else "status_model"
    return say(key, model=facts.model, arithmetic=facts.arithmetic, threads=facts.threads)


def _part(name: str, part: dict[str, Any], now: float, say: Words) -> str:
    line = f"{_ICON[part['level']]} {name}: {part['level']} ({span(now - part['since'], say)})"
    return f"{line}. {part['reason']}" if part["reason"] else line


def _stored(facts: Facts, say: Words) -> list[str]:
    stored = facts.stored
    if stored is None:
        return []  # the line about Redis says why
    queue = say("status_idle")
    if stored.waiting:
        queue = say("status_queue", count=stored.waiting, age=span(stored.head_age_s, say))
    last = say("status_ago", span=span(facts.at - stored.last_at, say)) if stored.last_at else "—"
    done = sum(stored.outcomes.values())
    return [queue, say("status_voices", done=done, last=last, given_up=stored.given_up)]


def span(seconds: float, say: Words) -> str:
    """A length of time as people say it: its largest unit only."""
    for size, key in ((86_400, "span_days"), (3_600, "span_hours"), (60, "span_minutes")):
        if seconds >= size:
            return say(key, n=int(seconds // size))
    return say("span_seconds", n=max(0, int(seconds)))
