"""One run: voices from several people into private chats and groups, a fault every second or two, then the count."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import RedisError

from sandbox import Account, Chat, Telegram
from tests.chaos.faults import FAULTS
from tests.faults.scene import SHORT, VOICES, Said, Scene
from tests.stage import until

PATIENCE_S = 90.0  # without a single new answer, after the last fault: so slow is no machine
FORWARDED = 0.15  # of the voices are earlier ones, sent on
NOTES = (SHORT, (VOICES / "en_3s.ogg").read_bytes())


@dataclass
class Outcome:
    """What became of a run."""

    sent: int = 0
    answered: int = 0
    lost: int = 0
    twice: int = 0
    worst_delay_s: float = 0.0
    took_s: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> bool:
        """Every voice has exactly one answer."""
        return self.sent == self.answered and not self.lost and not self.twice

    def __str__(self) -> str:
        hits = ", ".join(f"{name} {count}" for name, count in self.faults.most_common())
        return (
            f"sent {self.sent}, answered {self.answered}, lost {self.lost}, twice {self.twice}\n"
            f"worst delay {self.worst_delay_s:.1f} s, the run took {self.took_s:.0f} s\n"
            f"faults {self.faults.total()}: {hits}"
        )


async def run(voices: int, seed: int, folder: Path, weights: Path) -> Outcome:
    """Play it; the same seed draws the same voices and faults."""
    async with Telegram() as telegram:
        scene = Scene(telegram, folder, weights, SHUTDOWN_GRACE="1s", JOB_ATTEMPTS="1000")
        outcome, began = Outcome(), time.monotonic()
        await _gather_people(scene)
        try:
            await scene.daemon.start()
            talking = asyncio.create_task(_talk(scene, voices, random.Random(seed)))
            await _break_things(scene, random.Random(seed + 1_000_000), talking, outcome)
            await talking
            await scene.back()
            await _wait_for_answers(scene)
        finally:
            if scene.daemon.running:
                await scene.daemon.kill()
            (folder / "daemon.log").write_text(scene.daemon.text, "utf-8")
        outcome.took_s = time.monotonic() - began
        _count(scene, outcome)
        return outcome


async def _gather_people(scene: Scene) -> None:
    """Two more people who are tracked; everybody has been seen in the groups before."""
    telegram, owner = scene.telegram, scene.owner
    scene.people = [scene.anna, *(telegram.add_account(name) for name in ("Vera", "Gleb"))]
    for person in scene.people[1:]:
        telegram.add_member(scene.group, person)
        telegram.add_member(scene.club, person)
    telegram.write_session(owner, scene.session_file, knows=[*scene.people, scene.group, scene.club])
    scene.daemon.env["TRACKED_USERS"] = ",".join(str(person.id) for person in scene.people)


async def _talk(scene: Scene, voices: int, draw: random.Random) -> None:
    await _be_seen_in_the_groups(scene)
    for _ in range(voices - len(scene.said)):
        sender = draw.choice(scene.people)
        places: list[Account | Chat] = [scene.owner, scene.owner, scene.group, scene.club]
        where = draw.choice(places)
        if draw.random() < FORWARDED:
            scene.forward(draw.choice(scene.said), where, sender=sender)
        else:
            scene.say(draw.choice(NOTES), where, sender=sender)
        await asyncio.sleep(draw.expovariate(1 / 0.5))


async def _be_seen_in_the_groups(scene: Scene) -> None:
    """What is promised after an absence concerns chats where somebody tracked was seen before."""
    for where in (scene.group, scene.club):
        scene.say(SHORT, where)
    await until(lambda: all(scene.answers(said) for said in scene.said), "the first answers")


async def _break_things(scene: Scene, draw: random.Random, talking: asyncio.Task[None], outcome: Outcome) -> None:
    await until(lambda: len(scene.said) > 2 or talking.done(), "the first voices")
    while not talking.done():
        await asyncio.sleep(draw.uniform(0.3, 2))
        fault = draw.choice(FAULTS)
        outcome.faults[fault.__name__] += 1
        await fault(scene, draw)


async def _wait_for_answers(scene: Scene) -> None:
    fewest, deadline = len(scene.said) * 2 + 1, 0.0
    while fewest and (not deadline or time.monotonic() < deadline):
        unanswered = sum(not scene.answers(said) for said in scene.said)
        left = unanswered + await _on_the_books(scene)
        if left < fewest:
            fewest, deadline = left, time.monotonic() + PATIENCE_S
        await asyncio.sleep(0.2)


async def _on_the_books(scene: Scene) -> int:
    try:
        return int(await scene.in_redis("HLEN", "vt:accepted"))
    except RedisError:
        return 1  # the last fault may have killed it


def _count(scene: Scene, outcome: Outcome) -> None:
    outcome.sent = len(scene.said)
    for said in scene.said:
        answers = scene.replies(said.peer, scene.seen_by_owner(said.sent))
        outcome.answered += bool(answers)
        outcome.lost += not answers
        outcome.twice += len(answers) > 1
        if answers:
            delay_s = answers[0].date - _sent_at(scene, said)
            outcome.worst_delay_s = max(outcome.worst_delay_s, delay_s)


def _sent_at(scene: Scene, said: Said) -> int:
    found = scene.telegram.messages(scene.owner, said.peer)
    return next(m.date for m in found if m.id == scene.seen_by_owner(said.sent))
