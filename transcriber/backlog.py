"""How much work there is, without holding up the event loop or Redis even when it is very much."""

from __future__ import annotations

from transcriber.recall import voices
from transcriber.redis_client import reply_of
from transcriber.state import State

_BATCH = 250


async def backlog(state: State) -> tuple[int, float]:
    """How many voices have no outcome, and when the oldest was sent (Unix time; 0: none). Raises RedisTrouble."""
    sent_at: dict[str, float] = {}
    cursor = 0
    while True:
        cursor, lines = await reply_of(state.redis.hscan("vt:accepted", cursor, count=_BATCH))
        sent_at |= {key: voice.sent_at for key, voice in voices(lines).items()}
        if not cursor:
            return len(sent_at), min(sent_at.values(), default=0.0)
