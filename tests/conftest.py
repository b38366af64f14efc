"""What most tests stand on: a real Redis, and the real Whisper weights (see speech_fixtures)."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from transcriber.redis_client import connect
from transcriber.redis_server import find_binary
from transcriber.state import State

pytest_plugins = ["tests.speech_fixtures"]
os.environ["OMP_WAIT_POLICY"] = "passive"  # several workers share the cores: a thread that spins takes from others


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Redis server for all tests."""
    folder: Path = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    with subprocess.Popen([str(find_binary()), *options], stdout=subprocess.DEVNULL) as process:
        url = f"unix://{socket}"
        deadline = time.monotonic() + 20
        with BlockingRedis.from_url(url) as client:
            while True:
                try:
                    client.ping()
                    break
                except RedisConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
        yield url
        process.terminate()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """An empty Redis."""
    async with connect(redis_url) as client:
        await client.flushall()
        yield client


@pytest.fixture
def state(redis: Redis) -> State:
    """The program's state, with nothing in it."""
    return State(redis)
