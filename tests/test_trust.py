"""Redis is not trusted: what somebody else wrote there is neither run nor able to stop the daemon."""

from __future__ import annotations

import os
import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # has no types
import pytest
from redis.asyncio import Redis

from tests.people import voice
from tests.test_pipeline import Bench
from transcriber.state import State


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._folder),)


@pytest.fixture
def bench(redis_url: str, state: State, tmp_path: Path) -> Bench:
    (tmp_path / "incoming").mkdir()
    return Bench(redis_url, state, tmp_path / "incoming")


@pytest.mark.timeout(30)
async def test_pickled_code_in_the_queue_is_never_run(bench: Bench, redis: Redis, tmp_path: Path) -> None:
    """The message is one of docket's own, with a bomb in place of its arguments."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "works")))
    assert (tmp_path / "works").exists()
    v = voice(1)
    await bench.state.accept(v)
    bomb = pickle.dumps(Bomb(tmp_path / "ran"))
    message: dict[Any, Any] = {"key": v.key, "when": datetime.now(UTC).isoformat(), "function": "_job", "attempt": "1"}
    async with bench.running():
        await redis.xadd("vt:stream", {**message, "args": bomb, "kwargs": bomb})
        assert await bench.closed(v) == "text"
    assert not (tmp_path / "ran").exists()


def test_nothing_is_unpickled_wherever_docket_would() -> None:
    """Its arguments, its strikes and its results all go through this one function."""
    assert cloudpickle.loads(pickle.dumps(["anything"])) == ()
