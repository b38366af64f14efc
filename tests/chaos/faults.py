"""The faults that hit the daemon, each a small coroutine; which and when is drawn from a seeded generator."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable

from tests.faults.scene import Scene

Fault = Callable[[Scene, random.Random], Awaitable[None]]


async def kill_9(scene: Scene, _: random.Random) -> None:
    await scene.daemon.kill()
    await scene.daemon.start(wait_for="")


async def sigterm(scene: Scene, _: random.Random) -> None:
    await scene.daemon.stop()
    await scene.daemon.start(wait_for="")


async def off_for_a_while(scene: Scene, draw: random.Random) -> None:
    await scene.daemon.stop()
    await asyncio.sleep(draw.uniform(1, 4))
    await scene.daemon.start(wait_for="")


async def reset(scene: Scene, _: random.Random) -> None:
    scene.faults.cut(scene.owner)


async def refused(scene: Scene, draw: random.Random) -> None:
    scene.faults.refuse(draw.uniform(0.5, 4))


async def half_open(scene: Scene, draw: random.Random) -> None:
    scene.faults.black_hole(draw.uniform(1, 5), scene.owner)


async def server_restarted(scene: Scene, draw: random.Random) -> None:
    await scene.telegram.restart(draw.uniform(0.1, 2))


async def answers_lost(scene: Scene, draw: random.Random) -> None:
    cut = draw.random() < 0.7  # without a cut each one is waited for: 15 s
    scene.faults.lose_answer("messages.SendMessage", draw.randint(1, 3) if cut else 1, scene.owner, cut=cut)


async def flood_on_send(scene: Scene, draw: random.Random) -> None:
    scene.faults.flood("messages.SendMessage", draw.randint(1, 4), draw.randint(1, 2), scene.owner)


async def flood_on_download(scene: Scene, draw: random.Random) -> None:
    scene.faults.flood("upload.GetFile", draw.randint(1, 3), 1, scene.owner)


async def internal_error(scene: Scene, draw: random.Random) -> None:
    method = draw.choice(["messages.SendMessage", "upload.GetFile", "messages.GetMessages", "messages.GetHistory"])
    scene.faults.error(method, 500, "INTERNAL", 2, scene.owner)


async def references_expired(scene: Scene, _: random.Random) -> None:
    scene.faults.expire_file_references(scene.owner)


async def file_short(scene: Scene, _: random.Random) -> None:
    scene.faults.truncate_files(1000, 1, scene.owner)


async def updates_swallowed(scene: Scene, draw: random.Random) -> None:
    scene.faults.swallow_updates(draw.uniform(0.5, 3), account=scene.owner, too_long=draw.random() < 0.5)


async def clock_off(scene: Scene, draw: random.Random) -> None:
    scene.faults.clock_offset(draw.choice([-600, 600]), scene.owner)
    await asyncio.sleep(draw.uniform(1, 3))
    scene.faults.clock_offset(0, scene.owner)


async def redis_killed(scene: Scene, _: random.Random) -> None:
    try:
        os.kill((await scene.in_redis("INFO", "server"))["process_id"], signal.SIGKILL)
    except (OSError, ConnectionError):
        pass  # it is away already: another fault was quicker
    except Exception as error:
        if "redis" not in type(error).__module__:
            raise


async def frozen(scene: Scene, draw: random.Random) -> None:
    os.kill(scene.daemon.process.pid, signal.SIGSTOP)
    await asyncio.sleep(draw.uniform(0.5, 6))  # longer than the lease, sometimes
    os.kill(scene.daemon.process.pid, signal.SIGCONT)


FAULTS: list[Fault] = [
    kill_9,
    sigterm,
    off_for_a_while,
    reset,
    refused,
    half_open,
    server_restarted,
    answers_lost,
    flood_on_send,
    flood_on_download,
    internal_error,
    references_expired,
    file_short,
    updates_swallowed,
    clock_off,
    redis_killed,
    frozen,
]
