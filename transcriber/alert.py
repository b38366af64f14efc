"""After a trouble is over, the owner is told once, in Saved Messages: what it was, and whether anything still waits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from transcriber import parts
from transcriber.backlog import backlog
from transcriber.errors import Refused, TranscriberError
from transcriber.health import Health, Level
from transcriber.health import Part as HealthPart
from transcriber.parts import Part
from transcriber.redis_client import RedisTrouble, reply_of
from transcriber.state import State
from transcriber.status import span
from transcriber.texts import Words

log = logging.getLogger(__name__)

ALERT_AFTER_S = 300.0
_SETTLE_S = 15.0  # after a reconnect catch-up first finds what was missed
_LOOK_S = 5.0
_KEY = "vt:incidents"


@dataclass(frozen=True)
class Incident:
    """A part that is, or was, not well; `until` is 0 while it lasts. All times are Unix seconds."""

    part: str
    since: float
    reason: str
    until: float = 0.0
    told: bool = False

    def worth_telling(self, now: float) -> bool:
        """Whether it lasted long enough and nobody was told."""
        return not self.told and (self.until or now) - self.since >= ALERT_AFTER_S


def review(
    incidents: Mapping[str, Incident], health: Mapping[str, HealthPart], now: float
) -> tuple[dict[str, Incident], list[Incident]]:
    """The incidents after a look at every part, and those to tell now (none while Telegram is away).

    A part that fails again before its incident was told prolongs that incident.
    """
    after: dict[str, Incident] = {}
    for name, part in health.items():
        incident = incidents.get(name)
        if incident and incident.told and incident.until:
            incident = None  # over and told: whatever comes now is another one
        if part.level is not Level.OK:
            incident = incident or Incident(name, part.since, part.reason)
            after[name] = replace(incident, reason=part.reason or incident.reason, until=0.0)
        elif incident is not None:
            ended = replace(incident, until=incident.until or part.since)
            if ended.worth_telling(now):
                after[name] = ended
    telegram = health["Telegram"]
    if telegram.level is not Level.OK or now - telegram.since < _SETTLE_S:
        return after, []
    return after, [incident for incident in after.values() if incident.worth_telling(now)]


class Outlet(Protocol):
    """Where the message goes. `send` raises RetryLater, Refused or Lost."""

    async def send(self, chat_id: int, part: Part, *, reply_to: int, random_id: int) -> int: ...


class Alert:
    """Looks every few seconds; what is worth telling is kept in Redis: a restart neither loses nor repeats it."""

    def __init__(self, health: Health, state: State, outlet: Outlet, say: Words, me: Callable[[], int]) -> None:
        self._health = health
        self._state = state
        self._outlet = outlet
        self._say = say
        self._me = me
        self._incidents: dict[str, Incident] = {}
        self._kept = ""

    async def run(self) -> None:
        """Look until cancelled."""
        loaded = False
        while True:
            with contextlib.suppress(RedisTrouble, TranscriberError):
                if not loaded:
                    await self.load()
                    loaded = True
            with contextlib.suppress(RedisTrouble, TranscriberError):
                await self.look(time.time())
            await asyncio.sleep(_LOOK_S)

    async def load(self) -> None:
        """Take over what an earlier run has left to tell. Raises RedisTrouble."""
        self._kept = await reply_of(self._state.redis.get(_KEY)) or ""
        with contextlib.suppress(ValueError, TypeError):  # not ours: better none than a program that does not start
            for incident in [Incident(**values) for values in json.loads(self._kept or "[]")]:
                self._incidents.setdefault(incident.part, incident)

    async def look(self, now: float) -> None:
        """One look; tells what is to be told. Raises RedisTrouble and whatever sending raises."""
        self._incidents, to_tell = review(self._incidents, self._health.parts, now)
        await self._keep(now)
        for incident in to_tell:
            await self._tell(incident, now)
            self._incidents[incident.part] = replace(incident, told=True)
            await self._keep(now)

    async def _tell(self, incident: Incident, now: float) -> None:
        waiting, _ = await backlog(self._state)
        pending = self._say("alert_pending", count=waiting) if waiting else self._say("alert_nothing_pending")
        times = {"since": _clock(incident.since), "span": span((incident.until or now) - incident.since, self._say)}
        key = "alert_over" if incident.until else "alert_lasts"
        text = self._say(key, part=incident.part, reason=incident.reason, pending=pending, **times)
        # The same id at every try: Telegram itself refuses a second one.
        random_id = parts.random_id(f"alert:{incident.part}:{incident.since:.3f}", 0, 0)
        try:
            await self._outlet.send(self._me(), Part(text), reply_to=0, random_id=random_id)
        except Refused as error:
            log.warning("alert: %s", error)  # a second try would be refused as well

    async def _keep(self, now: float) -> None:
        """Only what is old enough: a stop within the first minutes of a trouble leaves nothing behind."""
        old = [i for i in self._incidents.values() if (i.until or now) - i.since >= ALERT_AFTER_S]
        line = json.dumps([asdict(incident) for incident in old]) if old else ""
        if line != self._kept:
            redis = self._state.redis
            await reply_of(redis.set(_KEY, line) if line else redis.delete(_KEY))
            self._kept = line


def _clock(at: float) -> str:
    return time.strftime("%d.%m %H:%M", time.localtime(at))
