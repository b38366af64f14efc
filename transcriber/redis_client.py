"""The line to Redis: connect, wait for an answer with a deadline, go on patiently while it is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

RedisTrouble = RedisError  # what callers catch, without importing redis themselves
_PATIENCE_S = 1.0  # between tries while Redis is away
_ANSWER_TIMEOUT_S = 5.0
log = logging.getLogger(__name__)
T = TypeVar("T")


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Redis]:
    """A client that fails within seconds when Redis is away, so that /status can say so.

    Without `socket_timeout`: with it redis-py sends under `asyncio.wait_for`, which on Python 3.11 can swallow a
    cancellation (python/cpython#86296; seen here in one cancelled task of ten). `reply_of` has the deadline instead.
    """
    redis = Redis.from_url(
        url, decode_responses=True, socket_timeout=None, socket_connect_timeout=2.0, retry=Retry(NoBackoff(), 1)
    )
    try:
        yield redis
    finally:
        await redis.aclose()


async def patiently(operation: Callable[[], Awaitable[T]]) -> T:
    """Do a Redis operation, however long Redis is away, full or read-only: work pauses, nothing is dropped."""
    while True:
        try:
            return await operation()
        except RedisTrouble as error:
            log.debug("Redis: %r", error)
            await asyncio.sleep(_PATIENCE_S)


async def reply_of(reply: Awaitable[Any] | Any) -> Any:
    """The reply of Redis, or RedisTrouble when there is none in time (redis-py types it as sync-or-async)."""
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            return await cast("Awaitable[Any]", reply)
    except TimeoutError as error:
        raise RedisTimeoutError("no answer") from error
