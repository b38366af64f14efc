"""/retry against a Telegram that edits, forgets and refuses: the voice keeps its one answer."""

from __future__ import annotations

import pytest

from tests.faults.scene import Said, Scene
from tests.stage import until

pytestmark = pytest.mark.asyncio(loop_scope="package")
WRONG = "Nothing of the kind was said."


async def wrong_answer(scene: Scene, where: str) -> Said:
    """A voice whose answer is wrong."""
    said = await scene.say_with_text(WRONG, getattr(scene, where))
    await scene.settle()
    return said


def answer_id(scene: Scene, said: Said) -> int:
    """The answer as the owner sees it."""
    (answer,) = scene.answered(said)
    return int(answer.id)


@pytest.mark.parametrize("where", ["owner", "group", "club"])
@pytest.mark.parametrize("target", ["voice", "answer"])
async def test_a_reply_to_the_voice_or_to_its_text_has_it_decoded_again_and_the_text_edited(
    scene: Scene, where: str, target: str
) -> None:
    said = await wrong_answer(scene, where)
    shown = answer_id(scene, said)
    assert (
        await scene.command(
            "/retry", said.peer, reply_to=shown if target == "answer" else scene.seen_by_owner(said.sent)
        )
        == "🔁 Пробую ещё раз: 1"
    )
    await until(lambda: scene.answers(said) != [WRONG], "the text")
    await scene.settle()
    assert answer_id(scene, said) == shown


async def test_killed_between_the_edit_and_its_mark_the_answer_stays_one(scene: Scene) -> None:
    said = await wrong_answer(scene, "group")
    scene.faults.lose_answer("messages.EditMessage", count=2)  # the first one answers the command
    await scene.command("/retry", scene.group, reply_to=scene.seen_by_owner(said.sent))
    await until(lambda: scene.answers(said) != [WRONG], "the text")
    await scene.daemon.kill()
    await scene.daemon.start()
    await scene.settle()


async def test_an_answer_deleted_by_the_owner_is_given_anew(scene: Scene) -> None:
    said = await wrong_answer(scene, "club")
    scene.telegram.delete(scene.owner, scene.club, answer_id(scene, said))
    await scene.command("/retry", scene.club, reply_to=scene.seen_by_owner(said.sent))
    await scene.settle()
    assert scene.answers(said) != [WRONG]
