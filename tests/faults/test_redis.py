"""Redis is away, restarting, full or read-only: work pauses, nothing is dropped, /status says so, it resumes alone."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox import Telegram
from tests.faults.conftest import NewScene
from tests.faults.own_redis import OwnRedis
from tests.faults.scene import Scene
from tests.faults.stages import STAGES, first_part_of_three_sent, sent_but_not_marked, transcript_kept
from tests.stage import until

pytestmark = pytest.mark.asyncio(loop_scope="package")
Act = Callable[[Scene], Awaitable[None]]
Trouble = Callable[[OwnRedis], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def redis_and_scene(
    tiny: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[OwnRedis, Scene]]:
    redis = OwnRedis(tmp_path_factory.mktemp("own"))
    await redis.start()
    async with Telegram() as telegram:
        scene = Scene(telegram, tmp_path_factory.mktemp("scene"), tiny, REDIS_URL=redis.url)
        try:
            await scene.daemon.start()
            yield redis, scene
        finally:
            await scene.daemon.kill()
            await redis.stop()


@pytest_asyncio.fixture(loop_scope="package")
async def own(redis_and_scene: tuple[OwnRedis, Scene]) -> AsyncIterator[tuple[OwnRedis, Scene]]:
    redis, scene = redis_and_scene
    scene.said.clear()
    yield redis, scene
    scene.faults.clear()
    await scene.settle()
    assert scene.daemon.running


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
async def test_a_redis_that_is_killed_and_comes_back_finds_nothing_lost_and_nothing_repeated(
    own: tuple[OwnRedis, Scene], stage: Act
) -> None:
    redis, scene = own
    await stage(scene)
    await redis.stop(signal.SIGKILL)
    await redis.start()
    if stage is sent_but_not_marked:
        scene.faults.cut(scene.owner)  # the lost answer would be waited for
    await scene.settle()


async def test_a_redis_that_is_restarted_finds_nothing_lost_and_nothing_repeated(own: tuple[OwnRedis, Scene]) -> None:
    redis, scene = own
    await first_part_of_three_sent(scene)
    await redis.stop()
    await redis.start()
    await scene.settle()


async def full(redis: OwnRedis) -> None:
    await redis.command("CONFIG", "SET", "maxmemory", "1")


async def read_only(redis: OwnRedis) -> None:
    await redis.command("REPLICAOF", "127.0.0.1", "1")


async def refused(redis: OwnRedis) -> None:
    await redis.stop()


async def whole_again(redis: OwnRedis, trouble: Trouble) -> None:
    if trouble is refused:
        await redis.start()
    await redis.command("CONFIG", "SET", "maxmemory", "0")
    await redis.command("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize("trouble", [refused, full, read_only], ids=lambda trouble: trouble.__name__)
async def test_without_a_working_redis_the_work_pauses_and_status_says_degraded(
    own: tuple[OwnRedis, Scene], trouble: Trouble
) -> None:
    redis, scene = own
    seen = len(scene.daemon.lines)
    await transcript_kept(scene)
    await trouble(redis)
    scene.say()  # a live update that cannot be put on the books
    scene.say(peer=scene.club)  # and the first one ever in its chat
    await scene.daemon.line("WARNING Redis: ", after=seen)
    status = await scene.command("/status")
    assert "🟡 Redis: DEGRADED" in status
    assert "🟢 Telegram: OK" in status
    await whole_again(redis, trouble)
    await scene.daemon.line("Redis: OK", after=seen)
    await scene.settle()
    assert "🟢 Redis: OK" in await scene.command("/status")


async def test_the_embedded_redis_is_started_again_when_somebody_kills_it(new_scene: NewScene) -> None:
    scene = await new_scene()
    await scene.daemon.start()
    await transcript_kept(scene)
    os.kill((await scene.in_redis("INFO", "server"))["process_id"], signal.SIGKILL)
    await scene.daemon.line("✅ Встроенный Redis снова работает")
    await until(lambda: scene.answers(scene.said[0]), "the answer")
    scene.say()
    await scene.settle()
    assert await scene.daemon.stop() == 0
