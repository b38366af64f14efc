"""The daemon ends, in every way, at every stage; the next start takes up what was in hand."""

from __future__ import annotations

import time

import pytest

from tests.faults.scene import Scene
from tests.faults.stages import STAGES

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
async def test_kill_9_loses_and_repeats_nothing(scene: Scene, stage):  # type: ignore[no-untyped-def]
    await stage(scene)
    await scene.daemon.kill()
    scene.faults.clear()
    started = time.monotonic()
    await scene.daemon.start()
    assert time.monotonic() - started < 10  # no lease of a dead process is waited for
    await scene.settle()


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
async def test_sigterm_leaves_the_voice_in_hand_to_the_next_start(scene: Scene, stage):  # type: ignore[no-untyped-def]
    await stage(scene)
    assert await scene.daemon.stop() == 0
    scene.faults.clear()
    await scene.daemon.start()
    await scene.settle()
