"""REFINE_MODEL for real: two models, one after the other, and a kill between them."""

from __future__ import annotations

import pytest

from tests.faults.conftest import NewScene
from tests.stage import until
from tests.weights import weights

pytestmark = pytest.mark.asyncio(loop_scope="package")
WRONG = "Nothing of the kind was said."


async def test_a_wrong_text_is_edited_when_it_is_quiet_also_after_a_kill(new_scene: NewScene) -> None:
    scene = await new_scene(REFINE_MODEL=str(weights("base")))
    await scene.daemon.start()
    said = await scene.say_with_text(WRONG)
    await scene.settle()
    await scene.until_redis(lambda noted: noted, "HEXISTS", "vt:drafts", scene.key(said))
    await scene.daemon.kill()
    await scene.daemon.start()
    await until(lambda: scene.answers(said) != [WRONG], f"the better text; the log:\n{scene.daemon.text}")
    assert scene.answers(said) == ["He was not an ill-disposed young man."]
    await scene.until_redis(lambda due: not due, "HLEN", "vt:drafts")
    assert await scene.daemon.stop() == 0
    assert "✅" in scene.daemon.lines[-1]
