"""The disk of the data folder is full: a clear reason, no crash loop, and the work goes on when there is room."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Telegram
from tests.faults.own_redis import OwnRedis
from tests.faults.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="package")
SIZE_MB = 80


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 80 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: Path) -> None:
    """To the last byte."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))


async def status_says(scene: Scene, text: str) -> None:
    """The disk is looked at every few seconds."""
    while text not in await scene.command("/status"):
        pass


async def test_a_full_disk_stops_the_work_with_a_reason_and_a_free_one_resumes_it(
    small_disk: Path, tiny: Path, tmp_path: Path
) -> None:
    redis = OwnRedis(tmp_path / "redis")
    await redis.start()
    async with Telegram() as telegram:
        scene = Scene(telegram, small_disk, tiny, REDIS_URL=redis.url)
        try:
            await scene.daemon.start()
            scene.say()
            await scene.settle()
            filler = small_disk / "filler"
            fill(filler)
            scene.say()
            scene.say(peer=scene.club)
            await scene.until_redis(lambda due: due, "ZCARD", "vt:queue")  # put off
            await status_says(scene, "🟡 Disk: DEGRADED")
            assert scene.daemon.running
            filler.unlink()
            await scene.settle(45)
            await status_says(scene, "🟢 Disk: OK")
            assert scene.daemon.text.count("🚀") == 1
        finally:
            if scene.daemon.running:
                await scene.daemon.kill()
            await redis.stop()
