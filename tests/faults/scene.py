"""A stage where every voice is kept count of: at the end each must have exactly one answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from sandbox import Account, Chat, Telegram
from sandbox.seen import SentId
from tests.people import transcript
from tests.stage import Stage, until
from transcriber import parts

VOICES = Path(__file__).parents[1] / "voices"
SHORT = (VOICES / "en_real_3s.ogg").read_bytes()
LONG = (VOICES / "en_real_25s.ogg").read_bytes()
THREE_PARTS = " ".join(f"Sentence number {n} of a long talk." for n in range(280))

QUICK = {  # every wait of the program, shortened
    "RECONNECT_PAUSES": "0.3,0.6,1.2",
    "PING_INTERVAL": "1s",
    "PING_TIMEOUT": "1s",
    "LEASE_TTL": "4s",
    "REDELIVERY_TIMEOUT": "2s",
    "CATCH_UP_INTERVAL": "2s",
    "SHUTDOWN_GRACE": "0.5s",
    "CPU_THREADS": "1",  # short notes, and often several daemons on two cores
}


@dataclass(frozen=True)
class Said:
    """A voice that was sent, and in how many messages its answer must come."""

    peer: Account | Chat
    sent: SentId
    parts: int = 1


class Scene(Stage):
    """The stage, with a record of every voice."""

    def __init__(self, telegram: Telegram, folder: Path, weights: Path, **env: str) -> None:
        super().__init__(telegram, folder, weights, **{**QUICK, **env})
        self.said: list[Said] = []
        self.people: list[Account] = [self.anna]

    @property
    def faults(self) -> Any:
        """What can go wrong at Telegram."""
        return self.telegram.faults

    def say(self, data: bytes = SHORT, peer: Account | Chat | None = None, *, sender: Account | None = None) -> Said:
        """Anna sends a voice, each a recording of its own: to the owner, or into a group."""
        who, where = sender or self.anna, peer or self.owner
        own = data + len(self.telegram.world.messages).to_bytes(8)  # behind the last Ogg page: never heard
        return self._noted(who, where, self.telegram.send_voice(who, where, own, duration_s=3))

    def forward(self, said: Said, peer: Account | Chat | None = None, *, sender: Account | None = None) -> Said:
        """Anna sends the same recording on."""
        who, where = sender or self.anna, peer or self.owner
        return self._noted(who, where, self.telegram.forward(who, where, said.sent))

    def _noted(self, sender: Account, where: Account | Chat, sent: SentId) -> Said:
        said = Said(sender if where is self.owner else where, sent)
        self.said.append(said)
        return said

    async def say_with_text(self, text: str = THREE_PARTS, peer: Account | Chat | None = None) -> Said:
        """The same, but its transcript is kept already."""
        where = peer or self.owner
        seen = self.anna if where is self.owner else where
        box = self.telegram.world.mailbox_for(self.owner, seen)
        key = f"{seen.id if isinstance(seen, Account) else seen.chat_id}:{box.last_id + 1}"
        async with self.reading() as redis:
            await redis.set(f"vt:transcript:{key}", transcript(text).to_json())
        said = self.say(peer=peer)
        assert key.endswith(f":{self.seen_by_owner(said.sent)}")
        said = self.said[-1] = Said(said.peer, said.sent, len(parts.compose(text)))
        return said

    def key(self, said: Said) -> str:
        """The voice's name in Redis."""
        chat_id = said.peer.id if isinstance(said.peer, Account) else said.peer.chat_id
        return f"{chat_id}:{self.seen_by_owner(said.sent)}"

    def answers(self, said: Said) -> list[str]:
        """What was said in reply so far."""
        return [m.text for m in self.answered(said)]

    def answered(self, said: Said) -> list[Any]:
        """The messages with it, without the owner's commands and what became of them."""
        replies = self.replies(said.peer, self.seen_by_owner(said.sent))
        return [m for m in replies if not m.text.startswith(("/", "🔁"))]

    def sends(self) -> int:
        """How often a message was sent or tried."""
        return self.telegram.call_count("messages.SendMessage", self.owner)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Redis]:
        """The daemon's Redis."""
        url = self.daemon.env["REDIS_URL"]
        client = Redis.from_url(url, decode_responses=True) if url else await self.redis()
        async with client:
            yield client

    async def in_redis(self, *command: str) -> Any:
        """One command."""
        async with self.reading() as redis:
            return await redis.execute_command(*command)  # type: ignore[no-untyped-call]

    async def until_redis(self, condition: Any, *command: str, patience_s: float = 30) -> None:
        """Wait until the answer to a command fulfils a condition."""
        deadline = time.monotonic() + patience_s
        async with self.reading() as redis:
            while not condition(answer := await redis.execute_command(*command)):  # type: ignore[no-untyped-call]
                assert time.monotonic() < deadline, f"{command}: {answer}\n{self.daemon.text}"
                await asyncio.sleep(0.02)

    async def settle(self, patience_s: float = 30) -> None:
        """Wait until nothing is left to do, then: every voice has exactly one answer, whole."""
        for said in self.said:
            await self._answered(said, patience_s)
        await self.until_redis(lambda books: not books, "HGETALL", "vt:accepted")
        await self.until_redis(lambda due: not due, "ZCARD", "vt:queue")
        for said in self.said:
            answers = self.answers(said)
            assert len(answers) == said.parts, (self.key(said), answers, self.daemon.text)
            assert len(set(answers)) == said.parts
        assert not self.telegram.unknown_methods

    async def _answered(self, said: Said, patience_s: float) -> None:
        what = f"the answer to {self.key(said)}; the log:\n{self.daemon.text}"
        await until(lambda: len(self.answers(said)) >= said.parts, what, patience_s)

    async def back(self) -> None:
        """End every fault, and have the daemon run and be connected."""
        self.faults.clear()
        if not self.daemon.running:
            await self.daemon.start()
        await until(lambda: self.telegram.connected(self.owner), f"a connection; the log:\n{self.daemon.text}")
