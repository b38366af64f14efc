"""The network breaks, in every way, at every stage; the session is replaced and the work goes on."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import pytest

from tests.faults.scene import LONG, SHORT, Scene
from tests.faults.stages import STAGES
from tests.stage import until

pytestmark = pytest.mark.asyncio(loop_scope="package")
Act = Callable[[Scene], Awaitable[None]]
at_each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)


@at_each_stage
async def test_a_connection_reset_loses_and_repeats_nothing(scene: Scene, stage: Act) -> None:
    await stage(scene)
    scene.faults.cut(scene.owner)
    await scene.settle()


@at_each_stage
async def test_refused_connections_lose_and_repeat_nothing(scene: Scene, stage: Act) -> None:
    await stage(scene)
    scene.faults.refuse(1.5)
    missed = scene.say()  # while nobody can hear it
    await scene.settle()
    assert scene.answers(missed)


@at_each_stage
async def test_a_restart_of_telegrams_server_loses_and_repeats_nothing(scene: Scene, stage: Act) -> None:
    await stage(scene)
    await scene.telegram.restart(0.3)
    await scene.settle()


@at_each_stage
async def test_a_half_open_connection_is_noticed_and_replaced(scene: Scene, stage: Act) -> None:
    seen = len(scene.daemon.lines)
    await stage(scene)
    began = time.monotonic()
    scene.faults.black_hole(20, scene.owner)
    await scene.daemon.line("⚠️ Отключено от Telegram", after=seen)
    assert time.monotonic() - began < 5  # ping every 1 s, an answer within 1 s; by default 30 and 10
    scene.faults.clear()
    await scene.settle()


async def test_an_answer_lost_after_the_message_was_accepted_is_no_reason_to_repeat_it(scene: Scene) -> None:
    scene.faults.lose_answer("messages.SendMessage", cut=True)
    said = await scene.say_with_text()
    await scene.settle()
    assert len(scene.answers(said)) == 3


async def test_a_lost_answer_on_a_healthy_connection_holds_nobody_up_for_long(scene: Scene) -> None:
    scene.faults.lose_answer("messages.SendMessage")
    await scene.say_with_text("This one is in the chat, unconfirmed.")
    other = scene.say()
    await scene.settle()
    assert scene.answers(other)


async def test_without_telegram_what_is_here_is_transcribed(scene: Scene) -> None:
    held = scene.say(LONG)
    await scene.until_redis(lambda starts: starts, "HGET", f"vt:voice:{scene.key(held)}", "starts")
    scene.faults.refuse(60)
    await scene.until_redis(lambda kept: kept, "EXISTS", f"vt:transcript:{scene.key(held)}")
    assert not scene.answers(held)
    scene.faults.clear()
    await scene.settle()


async def test_a_client_that_hears_no_updates_is_noticed_and_replaced(scene: Scene) -> None:
    seen = len(scene.daemon.lines)
    scene.faults.swallow_updates(account=scene.owner)
    scene.say()
    await until(lambda: scene.answers(scene.said[0]), "the answer, found in the history")
    for _ in range(20):  # each one is missed
        if "⚠️ Отключено от Telegram" in "\n".join(scene.daemon.lines[seen:]):
            break
        scene.telegram.send_text(scene.boris, scene.owner, "Anybody there?")
        await a_ping(scene)
    await scene.daemon.line("⚠️ Отключено от Telegram", after=seen)
    await scene.daemon.line("✅ Подключено к Telegram", after=seen)


async def a_ping(scene: Scene) -> None:
    count = scene.telegram.call_count("updates.GetState", scene.owner)
    await until(lambda: scene.telegram.call_count("updates.GetState", scene.owner) > count, "a ping")


async def test_a_clock_ten_minutes_off_stops_nothing(scene: Scene) -> None:
    for seconds in (600, -600):
        scene.faults.clock_offset(seconds, scene.owner)
        scene.say(SHORT)
        await scene.settle()
    scene.faults.clock_offset(0, scene.owner)
