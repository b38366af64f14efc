"""The same recording sent on while the first is in work: each message has its one answer, whatever happens."""

from __future__ import annotations

import pytest

from tests.faults.scene import LONG, Scene
from tests.faults.stages import accepted, transcribing

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize("restart", [False, True], ids=["undisturbed", "kill -9"])
async def test_a_voice_sent_on_while_in_work_is_answered_everywhere_once(scene: Scene, restart: bool) -> None:
    await transcribing(scene)
    (first,) = scene.said
    copies = [scene.forward(first, where) for where in (scene.group, scene.club, scene.owner)]
    for copy in copies:
        await accepted(scene, copy)
    if restart:
        await scene.daemon.kill()
        await scene.daemon.start()
    await scene.settle()
    assert len({scene.answers(said)[0] for said in scene.said}) == 1
    if not restart:
        begun = [await scene.in_redis("HGET", f"vt:voice:{scene.key(said)}", "starts") for said in scene.said]
        assert begun == ["1", None, None, None], "each of the others waited for the text of the first"


async def test_the_copy_of_an_answered_voice_is_answered_without_a_download(scene: Scene) -> None:
    first = scene.say(LONG)
    await scene.settle()
    downloads = scene.telegram.call_count("upload.GetFile")
    copy = scene.forward(first, scene.club)
    await scene.settle()
    assert scene.answers(copy) == scene.answers(first)
    assert scene.telegram.call_count("upload.GetFile") == downloads
