"""One instance only."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.stage import until
from transcriber.lease import Lease, Occupied, file_lock
from transcriber.state import State
from transcriber.tasks import end
from transcriber.texts import Words


async def test_a_lease_is_taken_kept_and_dropped(state: State, redis: Redis) -> None:
    lease = Lease(state, ttl_s=0.4)
    await lease.take()
    keeping = asyncio.create_task(lease.keep())
    renewed = asyncio.get_running_loop().time() + 1.0
    await until(lambda: asyncio.get_running_loop().time() > renewed)
    assert lease.held
    await end(keeping)
    await lease.drop()
    assert not await redis.exists("vt:lease")


async def test_a_second_instance_is_told_who_is_there(state: State) -> None:
    first, second = Lease(state, ttl_s=1.0), Lease(state, ttl_s=1.0)
    _pretend_to_be(first, os.getppid())
    await first.take()
    keeping = asyncio.create_task(first.keep())
    with pytest.raises(Occupied) as caught:
        await second.take()
    assert str(caught.value.values["pid"]) in Words("en").error(caught.value)
    assert first.held
    assert not second.held
    await end(keeping)


async def test_a_crashed_owner_on_another_machine_is_waited_for_until_its_lease_expires(
    state: State, redis: Redis
) -> None:
    await redis.set("vt:lease", json.dumps({"host": "elsewhere", "pid": 1, "since": 0, "place": "x"}), px=700)
    started = time.monotonic()
    await Lease(state, ttl_s=1.0).take()
    assert time.monotonic() - started > 0.5


async def test_a_crashed_owner_on_this_machine_is_not_waited_for(state: State) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await child.wait()
    dead = Lease(state, ttl_s=600)
    _pretend_to_be(dead, child.pid)
    await dead.take()
    await asyncio.wait_for(Lease(state, ttl_s=600).take(), 2)


def _pretend_to_be(lease: Lease, pid: int) -> None:
    """Let the lease be that of another process of this machine."""
    lease._value = json.dumps({**json.loads(lease._value), "pid": pid})


async def test_a_lease_that_was_not_renewed_in_time_is_not_held(state: State) -> None:
    lease = Lease(state, ttl_s=0.2)
    await lease.take()
    await until(lambda: not lease.held)


async def test_a_stolen_lease_ends_the_keeping_and_is_not_dropped_for_the_thief(state: State, redis: Redis) -> None:
    lease = Lease(state, ttl_s=0.4)
    await lease.take()
    await redis.set("vt:lease", "{}")
    with pytest.raises(Occupied):
        await lease.keep()
    assert not lease.held
    await lease.drop()
    assert await redis.get("vt:lease") == "{}"


def test_the_session_file_is_locked_and_the_holder_named(tmp_path: Path) -> None:
    session_file = tmp_path / "a.session"
    with file_lock(session_file):
        with pytest.raises(Occupied) as caught, file_lock(session_file):
            pass
        assert caught.value.values["pid"] != "?"
    with file_lock(session_file):
        assert (tmp_path / "a.lock").stat().st_mode & 0o777 == 0o600
