"""One instance: a second one never connects, and one that lost its lease says nothing more."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import NewScene
from tests.faults.own_redis import OwnRedis
from tests.faults.scene import Scene
from tests.stage import ForkedDaemon, until

pytestmark = pytest.mark.asyncio(loop_scope="package")
OCCUPIED = 4


def twin(scene: Scene, folder: Path) -> ForkedDaemon:
    """Another daemon on the same account, with a folder of its own."""
    shutil.copytree(scene.data, folder, ignore=shutil.ignore_patterns("redis", "incoming", "*.lock"))
    return ForkedDaemon(scene.daemon.folder, {**scene.daemon.env, "DATA_DIR": str(folder)})


async def test_a_second_instance_in_the_same_folder_says_who_is_there_and_never_connects(scene: Scene) -> None:
    calls = len(scene.telegram.calls)
    second = ForkedDaemon(scene.daemon.folder, scene.daemon.env)
    await second.start(wait_for="")
    assert await second.ended() == OCCUPIED
    assert f"процесс {scene.daemon.process.pid}, с 2" in second.lines[-1]
    assert "Подключаюсь" not in second.text
    assert not [c for c in scene.telegram.calls[calls:] if c.method == "help.GetConfig"]
    scene.say()
    await scene.settle()


async def test_a_second_instance_with_the_same_redis_says_who_is_there_and_never_connects(
    new_scene: NewScene, tmp_path: Path
) -> None:
    redis = OwnRedis(tmp_path / "redis")
    await redis.start()
    scene = await new_scene(REDIS_URL=redis.url)
    await scene.daemon.start()
    second = twin(scene, tmp_path / "second")
    await second.start(wait_for="")
    assert await second.ended() == OCCUPIED
    assert f"процесс {scene.daemon.process.pid}, с 2" in second.lines[-1]
    assert "Подключаюсь" not in second.text
    await scene.daemon.stop()
    await redis.stop()


async def test_a_stolen_lease_ends_the_program(new_scene: NewScene) -> None:
    scene = await new_scene()
    await scene.daemon.start()
    thief = json.dumps({"host": "elsewhere", "pid": 7, "since": time.time(), "place": "x", "nonce": "y"})
    await scene.in_redis("SET", "vt:lease", thief, "PX", "60000")
    assert await scene.daemon.ended() == OCCUPIED
    assert "Работу перехватил другой экземпляр (elsewhere, процесс 7" in scene.daemon.lines[-1]


async def test_the_lease_of_a_crashed_machine_is_taken_over_as_soon_as_it_has_expired(new_scene: NewScene) -> None:
    scene = await new_scene(LEASE_TTL="3s")
    await scene.daemon.start()
    await scene.daemon.stop()
    other = OwnRedis(scene.data / "redis-check")
    await other.start()
    dead = json.dumps({"host": "elsewhere", "pid": 7, "since": time.time(), "place": "x", "nonce": "y"})
    await other.command("SET", "vt:lease", dead, "PX", "3000")
    began = time.monotonic()
    await scene.daemon.start(REDIS_URL=other.url)
    assert 2 < time.monotonic() - began < 12
    await scene.daemon.stop()
    await other.stop()


async def test_a_daemon_that_was_frozen_while_another_took_over_says_nothing_more(
    new_scene: NewScene, tmp_path: Path
) -> None:
    redis = OwnRedis(tmp_path / "redis")
    await redis.start()
    scene = await new_scene(REDIS_URL=redis.url, LEASE_TTL="2s")
    await scene.daemon.start()
    scene.faults.delay("upload.GetFile", 0.5, count=1)
    scene.say()
    await until(lambda: scene.telegram.call_count("upload.GetFile") == 1, "a download")
    os.kill(scene.daemon.process.pid, signal.SIGSTOP)
    second = twin(scene, tmp_path / "second")
    await second.start()
    await scene.settle()
    sends = scene.sends()
    os.kill(scene.daemon.process.pid, signal.SIGCONT)
    assert await scene.daemon.ended() == OCCUPIED
    assert scene.sends() == sends
    await scene.settle()
    assert await second.stop() == 0
    await redis.stop()


async def test_a_second_signal_ends_the_program_at_once(new_scene: NewScene) -> None:
    scene = await new_scene(SHUTDOWN_GRACE="60s")
    await scene.daemon.start()
    scene.faults.delay("messages.SendMessage", 10)
    said = scene.say()
    await until(lambda: scene.sends() == 1, "a reply on its way")
    scene.daemon.process.send_signal(signal.SIGTERM)
    await scene.daemon.line("🛑 Остановка по запросу...")
    began = time.monotonic()
    scene.daemon.process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(scene.daemon.ended(), 5)
    assert time.monotonic() - began < 2
    scene.faults.clear()
    await scene.daemon.start()
    await scene.settle()
    assert scene.answers(said)
