"""Healthy or not, in one sentence, from what the heartbeat says: for `health`, /healthz and the container's check."""

from __future__ import annotations

import json
import time
from typing import Any

from redis.asyncio import Redis

from transcriber.health import HEARTBEAT, Level
from transcriber.preflight import redis_usable
from transcriber.recall import recall
from transcriber.redis_client import RedisTrouble, connect, reply_of
from transcriber.texts import Words

STUCK_AFTER_S = 600.0  # longer than any pause between two tries, and than one step of a large model on a slow machine


def verdict(say: Words, beat: dict[str, Any] | None, now: float) -> tuple[bool, str]:
    """Whether a person would call it well, and one sentence why; `beat` is `Health.beat` or None."""
    if beat is None:
        return False, say("health_no_heartbeat")
    for name, part in beat["parts"].items():
        if part["level"] == Level.DOWN:
            return False, say("health_part", part=name, level=part["level"], reason=part["reason"] or "?")
    still_s = now - beat["moved_at"]
    if beat["waiting"] and still_s > STUCK_AFTER_S:
        why = next((part["reason"] for part in beat["parts"].values() if part["reason"]), say("health_no_reason"))
        return False, say("health_stuck", count=beat["waiting"], minutes=int(still_s // 60), reason=why)
    return True, say("health_ok", count=beat["waiting"])


async def examine(say: Words, url: str | None) -> tuple[bool, str]:
    """The verdict on the program that uses the Redis at `url` (None: there is no embedded one running)."""
    if url is None:
        return verdict(say, None, time.time())
    async with connect(url) as redis:
        problem = await redis_usable(say, redis)
        if problem:
            return False, problem
        try:
            return verdict(say, await heartbeat(redis), time.time())
        except RedisTrouble as error:
            return False, say("redis_unreachable", error=error)


async def heartbeat(redis: Redis) -> dict[str, Any] | None:
    """The last heartbeat, unless it is too long ago. Raises RedisTrouble."""
    line = await reply_of(redis.get(HEARTBEAT))
    found = recall(json.loads, line)
    return found if isinstance(found, dict) else None
