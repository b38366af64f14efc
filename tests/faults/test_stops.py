"""The daemon ends, in every way, at every stage; the next start takes up what was in hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.faults.conftest import NewScene
from tests.faults.scene import Scene
from tests.faults.stages import STAGES, transcript_kept

pytestmark = pytest.mark.asyncio(loop_scope="package")
Act = Callable[[Scene], Awaitable[None]]
at_each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)


@at_each_stage
async def test_kill_9_loses_and_repeats_nothing(scene: Scene, stage: Act) -> None:
    await stage(scene)
    await scene.daemon.kill()
    scene.faults.clear()
    await scene.daemon.start()
    await scene.settle()


@at_each_stage
async def test_sigterm_leaves_the_voice_in_hand_to_the_next_start(scene: Scene, stage: Act) -> None:
    await stage(scene)
    assert await scene.daemon.stop() == 0
    scene.faults.clear()
    await scene.daemon.start()
    await scene.settle()


async def test_after_kill_9_nothing_waits_for_a_lease_of_the_dead_process(new_scene: NewScene) -> None:
    scene = await new_scene(LEASE_TTL="10m", REDELIVERY_TIMEOUT="1h")  # longer than this test may take
    await scene.daemon.start()
    await transcript_kept(scene)
    await scene.daemon.kill()
    await scene.daemon.start()
    await scene.settle()


async def test_a_stop_lets_the_voice_in_hand_finish_in_its_grace(new_scene: NewScene) -> None:
    scene = await new_scene(SHUTDOWN_GRACE="30s")
    await scene.daemon.start()
    await transcript_kept(scene)
    assert await scene.daemon.stop() == 0
    assert scene.answers(scene.said[0])
