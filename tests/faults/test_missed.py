"""Updates that never came, and times when nobody was there: the history is looked through."""

from __future__ import annotations

import pytest

from sandbox import Account, Chat
from tests.faults.conftest import NewScene
from tests.faults.scene import SHORT, Scene
from tests.stage import until

SIDE_BY_SIDE = 3  # so many are in the engine at once, and a short one may be done before an older one

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize("too_long", [True, False], ids=["updates_too_long", "nothing_said"])
async def test_a_voice_whose_update_was_swallowed_is_found(scene: Scene, too_long: bool) -> None:
    scene.faults.swallow_updates(count=1, account=scene.owner, too_long=too_long)
    scene.say()
    await scene.settle()


async def test_a_gap_before_a_newer_voice_hides_nothing(scene: Scene) -> None:
    scene.faults.swallow_updates(count=2, account=scene.owner)
    missed = [scene.say(), scene.say()]
    newer = scene.say()
    await until(lambda: scene.answers(newer), "the answer to the newer one")
    await scene.settle()
    assert all(scene.answers(said) for said in missed)


@pytest.mark.timeout(120)
async def test_thirty_voices_that_came_while_stopped_are_taken_oldest_first_in_each_chat(
    new_scene: NewScene,
) -> None:
    scene = await new_scene()
    chats: list[Account | Chat] = [scene.owner, scene.group, scene.club]
    await scene.daemon.start()
    for chat in chats:
        scene.say(peer=chat)
    await scene.settle()
    await scene.daemon.stop()
    for number in range(30):
        scene.say(peer=chats[number % 3])
    await scene.daemon.start()
    await scene.settle(60)
    for chat in chats:
        peer: Account | Chat = scene.anna if chat is scene.owner else chat
        order = [m.reply_to for m in scene.replies(peer)]
        places = {message_id: place for place, message_id in enumerate(sorted(order))}
        assert all(abs(places[message_id] - place) <= SIDE_BY_SIDE for place, message_id in enumerate(order)), order


async def test_with_catch_up_max_age_0_what_came_while_away_is_left_alone(new_scene: NewScene) -> None:
    scene = await new_scene(CATCH_UP_MAX_AGE="0")
    await scene.daemon.start()
    scene.say()
    await scene.settle()
    await scene.daemon.stop()
    old = scene.telegram.send_voice(scene.anna, scene.owner, SHORT)
    old.message.date -= 5
    await scene.daemon.start()
    calls = scene.telegram.call_count("messages.GetHistory")
    await until(lambda: scene.telegram.call_count("messages.GetHistory") > calls + 2, "several looks")
    scene.say()
    await scene.settle()
    assert not scene.replies(scene.anna, scene.seen_by_owner(old))


async def test_a_late_answer_says_that_it_is_late(new_scene: NewScene) -> None:
    scene = await new_scene()
    old = scene.say()
    old.sent.message.date -= 20 * 60
    await scene.daemon.start()
    fresh = scene.say()
    await scene.settle()
    assert scene.answers(old)[0].startswith("🕓 С опозданием, голосовое от ")
    assert "🕓" not in scene.answers(fresh)[0]
