"""1,000 voices with reconnects in between, in a process of its own; the shortened form runs everywhere."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import psutil
import pytest

from sandbox import Account, Chat, Telegram
from tests.faults.scene import Scene
from transcriber.pipeline import IN_HAND

BATCH = 50
CONNECTIONS = 2 * IN_HAND  # to Redis: its pool keeps as many as there ever were jobs at once; each is a file, too
FAST_DAEMON = Path(__file__).with_name("fast_daemon.py")


@pytest.mark.timeout(120)
async def test_memory_open_files_and_redis_stay_flat_over_three_hundred_voices(tmp_path: Path) -> None:
    await soak(tmp_path, 300, kb_per_voice=25.0)  # kurigram's and docket's caches and the pool are still filling


@pytest.mark.soak
@pytest.mark.skipif(not os.environ.get("SOAK"), reason="minutes long: SOAK=1 runs it")
@pytest.mark.timeout(900)
async def test_memory_open_files_and_redis_stay_flat_over_a_thousand_voices(tmp_path: Path) -> None:
    await soak(tmp_path, 1_000, kb_per_voice=12.0)


async def soak(folder: Path, voices: int, *, kb_per_voice: float) -> None:
    """Send them in batches, cutting the connection before every second one; then look at the slopes."""
    async with Telegram() as telegram:
        scene = Scene(telegram, folder, Path("fast"), CATCH_UP_INTERVAL="5s")
        scene.daemon.program = FAST_DAEMON
        await scene.daemon.start()
        process = psutil.Process(scene.daemon.process.pid)
        places: list[Account | Chat] = [scene.owner, scene.group, scene.club]
        memory_kb, files, keys = [], [], []
        for batch in range(voices // BATCH):
            if batch % 2:
                scene.faults.cut(scene.owner)
            for number in range(BATCH):
                scene.say(bytes(1_000 + number), places[number % 3])
            await scene.until_redis(
                lambda n: int(n or 0) == len(scene.said), "HGET", "vt:counters", "text", patience_s=60
            )
            memory_kb.append(process.memory_info().rss / 1024)
            files.append(process.num_fds() + len(process.net_connections()))
            keys.append(await keys_besides_voices(scene))
        assert await scene.daemon.stop() == 0
        assert each_answered_once(scene)
    report = f"memory {[round(kb) for kb in memory_kb]} KB\nfiles {files}\nRedis keys {keys}"
    settled = len(memory_kb) // 3  # caches fill up first
    growth_kb = slope(memory_kb[settled:]) / BATCH
    files_growth = slope(files[settled:]) / BATCH
    print(f"{voices} voices: memory {growth_kb:+.2f} KB and files {files_growth:+.4f} per voice\n{report}")
    assert growth_kb < kb_per_voice, report
    assert max(files[settled:]) - min(files[settled:]) <= CONNECTIONS, report
    assert max(keys) - min(keys) <= 10, report


def each_answered_once(scene: Scene) -> bool:
    """One look at each chat."""
    replies = Counter(
        (peer.id, m.reply_to) for peer in (scene.anna, scene.group, scene.club) for m in scene.replies(peer)
    )
    return replies == Counter((said.peer.id, scene.seen_by_owner(said.sent)) for said in scene.said)


async def keys_besides_voices(scene: Scene) -> int:
    """How many keys there are that do not belong to one voice and expire with it."""
    async with scene.reading() as redis:
        names = [name async for name in redis.scan_iter(count=1000)]
        own = [name for name in names if not name.startswith(("vt:voice:", "vt:transcript:", "vt:heard:"))]
        lasting = [name for name in names if name not in own and await redis.ttl(name) < 0]
    assert not lasting
    return len([name for name in own if not name.startswith("vt:runs:")])


def slope(values: list[float] | list[int]) -> float:
    """The slope of the straight line that fits best, per step."""
    middle = (len(values) - 1) / 2
    mean = sum(values) / len(values)
    spread = sum((x - middle) ** 2 for x in range(len(values)))
    return sum((x - middle) * (value - mean) for x, value in enumerate(values)) / spread
