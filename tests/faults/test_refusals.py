"""Telegram says no, or gives less than it announced: what it asked for is waited, and nothing is given up too early."""

from __future__ import annotations

import time

import pytest

from tests.faults.conftest import NewScene
from tests.faults.scene import LONG, SHORT, Scene
from tests.stage import until

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_flood_wait_for_a_reply_is_waited_out_and_holds_back_the_others(scene: Scene) -> None:
    scene.faults.flood("messages.SendMessage", 3, account=scene.owner)
    began, before = time.monotonic(), scene.sends()
    scene.say()
    await until(lambda: scene.sends() > before, "the refused reply")
    scene.say()
    await scene.settle()
    assert time.monotonic() - began >= 3
    assert scene.sends() == before + 3  # nobody knocked meanwhile


async def test_a_long_flood_wait_puts_the_reply_off_and_survives_a_restart(new_scene: NewScene) -> None:
    scene = await new_scene()
    await scene.daemon.start()
    scene.faults.flood("messages.SendMessage", 45, account=scene.owner)
    said = scene.say()
    await scene.until_redis(lambda due: due, "ZCARD", "vt:queue")
    ((_, due_at),) = await scene.in_redis("ZRANGE", "vt:queue", "0", "-1", "WITHSCORES")
    assert 40 < float(due_at) - time.time() < 46
    began = time.monotonic()
    assert await scene.daemon.stop() == 0
    assert time.monotonic() - began < 3
    await scene.daemon.start()
    ((key, still_due_at),) = await scene.in_redis("ZRANGE", "vt:queue", "0", "-1", "WITHSCORES")
    assert (key, still_due_at) == (scene.key(said), due_at)
    assert scene.sends() == 1


async def test_a_flood_wait_for_a_download_is_waited_out(scene: Scene) -> None:
    scene.faults.flood("upload.GetFile", 2, account=scene.owner)
    began = time.monotonic()
    scene.say()
    await scene.settle()
    assert time.monotonic() - began >= 2


async def test_a_flood_wait_for_an_edit_harms_no_voice(scene: Scene) -> None:
    scene.faults.flood("messages.EditMessage", 30, account=scene.owner)
    scene.telegram.send_text(scene.owner, scene.owner, "/status")
    await until(lambda: not scene.faults.rules, "the refused edit")
    scene.say()
    await scene.settle()
    assert "🟢 Telegram: OK" in await scene.command("/status")


@pytest.mark.parametrize("method", ["messages.GetMessages", "upload.GetFile", "messages.SendMessage"])
async def test_an_internal_error_of_telegram_is_tried_again(scene: Scene, method: str) -> None:
    scene.faults.error(method, 500, "INTERNAL", count=1, account=scene.owner)
    scene.say()
    await scene.settle()
    assert not scene.faults.rules


async def test_an_expired_file_reference_is_fetched_anew(scene: Scene) -> None:
    scene.faults.error("upload.GetFile", 400, "FILE_REFERENCE_EXPIRED", account=scene.owner)
    scene.faults.delay("upload.GetFile", 0.3, count=1)
    before = scene.telegram.call_count("upload.GetFile")
    scene.say()
    waiting = scene.say()
    await until(lambda: scene.telegram.call_count("upload.GetFile") > before, "a download")
    scene.faults.expire_file_references(scene.owner)
    await scene.settle()
    assert scene.answers(waiting)


async def test_a_file_that_comes_short_is_fetched_again(scene: Scene) -> None:
    scene.faults.truncate_files(5000, count=1, account=scene.owner)
    said = scene.say()
    await scene.settle()
    assert "⚠️" not in scene.answers(said)[0]
    assert "❌" not in scene.answers(said)[0]


async def test_a_stalled_download_is_asked_for_again(scene: Scene) -> None:
    scene.faults.stall_downloads(1, count=1, account=scene.owner)
    scene.say()
    scene.say()
    await scene.settle(40)


async def test_a_voice_that_is_given_up_says_so_and_retry_takes_it_up(new_scene: NewScene) -> None:
    scene = await new_scene(JOB_ATTEMPTS="2")
    await scene.daemon.start()
    scene.faults.truncate_files(5000, account=scene.owner)
    said = scene.say()
    await until(lambda: scene.answers(said), "the reason")
    assert "/retry" in scene.answers(said)[0]
    await scene.until_redis(lambda books: not books, "HGETALL", "vt:accepted")
    assert "не вышло: 1" in await scene.command("/status")
    scene.faults.clear()
    assert await scene.command("/retry") == "🔁 Пробую ещё раз: 1"
    await until(lambda: "❌" not in scene.answers(said)[0], "the text, where the reason was")
    await scene.settle()
    assert "не вышло: 0" in await scene.command("/status")


async def test_a_voice_deleted_before_its_turn_is_dropped_quietly(scene: Scene) -> None:
    scene.faults.delay("upload.GetFile", 0.5, count=1)
    before = scene.telegram.call_count("upload.GetFile")
    sends = scene.sends()
    scene.say()
    await until(lambda: scene.telegram.call_count("upload.GetFile") > before, "a download")
    deleted = scene.telegram.send_voice(scene.anna, scene.owner, SHORT)
    key = f"{scene.anna.id}:{scene.seen_by_owner(deleted)}"
    await scene.until_redis(lambda there: there, "HEXISTS", "vt:accepted", key)
    scene.telegram.delete(scene.anna, scene.owner, deleted)
    await scene.until_redis(lambda outcome: outcome == "gone", "HGET", f"vt:voice:{key}", "outcome")
    await scene.settle()
    assert scene.sends() == sends + 1  # the other voice's


async def test_a_voice_deleted_while_it_is_transcribed_is_dropped_quietly(scene: Scene) -> None:
    sends = scene.sends()
    deleted = scene.telegram.send_voice(scene.anna, scene.owner, LONG)
    key = f"{scene.anna.id}:{scene.seen_by_owner(deleted)}"
    await scene.until_redis(lambda starts: starts, "HGET", f"vt:voice:{key}", "starts")
    scene.telegram.delete(scene.anna, scene.owner, deleted)
    await scene.until_redis(lambda outcome: outcome == "gone", "HGET", f"vt:voice:{key}", "outcome")
    assert scene.sends() == sends


async def test_a_voice_deleted_while_its_answer_is_on_the_way_is_dropped_quietly(scene: Scene) -> None:
    scene.faults.delay("messages.SendMessage", 0.5, count=1)
    before = scene.sends()
    deleted = scene.telegram.send_voice(scene.anna, scene.owner, SHORT)
    await until(lambda: scene.sends() > before, "a reply on its way")
    scene.telegram.delete(scene.anna, scene.owner, deleted)
    await scene.until_redis(lambda books: not books, "HGETALL", "vt:accepted")
    scene.say()
    await scene.settle()


async def test_an_edited_caption_changes_nothing(scene: Scene) -> None:
    sent = scene.telegram.send_voice(scene.anna, scene.owner, SHORT, caption="Listen")
    await scene.answer(scene.anna, sent)
    scene.telegram.edit(scene.anna, scene.owner, sent, "Do listen")
    scene.say()
    await scene.settle()
    assert len(scene.replies(scene.anna, scene.seen_by_owner(sent))) == 1


async def test_reactions_that_are_forbidden_or_flooded_fail_no_job(scene: Scene) -> None:
    quiet = scene.telegram.add_supergroup("Quiet", [scene.owner, scene.anna], reactions=False)
    scene.say(peer=quiet)
    await scene.settle()
    scene.faults.flood("messages.SendReaction", 30, count=4, account=scene.owner)
    scene.say()
    await scene.settle()
