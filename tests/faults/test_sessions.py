"""The session ends for good: one sentence that says what happened and what mends it, exit code 3, no storm."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import NewScene
from tests.faults.scene import Scene
from tests.stage import until

pytestmark = pytest.mark.asyncio(loop_scope="package")


def revoked(scene: Scene, reason: str) -> None:
    scene.faults.revoke(scene.owner, reason)


def forgotten(scene: Scene, _: str) -> None:
    scene.faults.forget_key(scene.owner)
    scene.faults.cut(scene.owner)


def wrong_api_id(scene: Scene, code: str) -> None:
    scene.faults.error("*", 400, code, count=1000, account=scene.owner)


WAYS: list[tuple[Callable[[Scene, str], None], str, str]] = [
    (revoked, "AUTH_KEY_UNREGISTERED", "Telegram завершил этот сеанс"),
    (revoked, "SESSION_REVOKED", "Telegram завершил этот сеанс"),
    (revoked, "AUTH_KEY_DUPLICATED", "пользовались в двух местах сразу"),
    (revoked, "USER_DEACTIVATED", "заблокировал или удалил этот аккаунт"),
    (forgotten, "-404", "больше не знает ключ этой сессии"),
    (wrong_api_id, "API_ID_INVALID", "не принимает API_ID и API_HASH"),
]
each_way = pytest.mark.parametrize(("end", "reason", "sentence"), WAYS, ids=[way[1] for way in WAYS])


def key_in(session_file: Path) -> tuple[object, ...]:
    database = sqlite3.connect(session_file)
    try:
        row: tuple[object, ...] = database.execute("SELECT dc_id, auth_key, user_id FROM sessions").fetchone()
        return row
    finally:
        database.close()


@each_way
async def test_a_session_that_ends_while_running_is_told_in_one_sentence(
    new_scene: NewScene, end: Callable[[Scene, str], None], reason: str, sentence: str
) -> None:
    scene = await new_scene()
    key = key_in(scene.session_file)
    await scene.daemon.start()
    began = time.monotonic()
    end(scene, reason)
    assert await scene.daemon.ended() == 3
    assert time.monotonic() - began < 15
    assert [line for line in scene.daemon.lines if " ERROR " in line] == [scene.daemon.lines[-1]]
    assert sentence in scene.daemon.lines[-1]
    assert "python userbot.py login" in scene.daemon.lines[-1]
    assert "Traceback" not in scene.daemon.text
    assert key_in(scene.session_file) == key

    calls = len(scene.telegram.calls)
    await scene.daemon.start(wait_for="")  # as a container would be started again
    assert await scene.daemon.ended() == 3
    assert sentence in scene.daemon.lines[-1]
    assert not [c for c in scene.telegram.calls[calls:] if c.method.startswith("auth.")]  # no attempt to sign in
    assert len(scene.telegram.calls) - calls <= 3
    assert key_in(scene.session_file) == key


async def test_a_flood_wait_at_the_start_is_waited_out_and_a_restart_waits_the_rest(new_scene: NewScene) -> None:
    scene = await new_scene()
    scene.faults.flood("updates.GetState", 300, account=scene.owner)
    await scene.daemon.start(wait_for="⏳ FloodWait: ожидание 300 секунд...")
    await scene.daemon.kill()
    said = scene.say()
    seen = len(scene.daemon.lines)
    await scene.daemon.start(wait_for="⏳ FloodWait: ожидание")
    (rest,) = re.findall(r"ожидание (\d+) секунд", "\n".join(scene.daemon.lines[seen:]))
    assert 100 < int(rest) < 300
    assert scene.telegram.call_count("updates.GetState", scene.owner) == 1
    await scene.in_redis("SET", "vt:flood_until", str(time.time() + 1))  # as if the rest had almost passed
    await scene.daemon.kill()
    await scene.daemon.start()
    await scene.settle()
    assert scene.answers(said)


async def test_sigterm_ends_a_long_wait_for_telegram_at_once(new_scene: NewScene) -> None:
    scene = await new_scene(SHUTDOWN_GRACE="8s")
    scene.faults.flood("updates.GetState", 450, account=scene.owner)
    await scene.daemon.start(wait_for="⏳ FloodWait: ожидание 450 секунд...")
    began = time.monotonic()
    assert await scene.daemon.stop() == 0
    assert time.monotonic() - began < 3
    await scene.daemon.start(wait_for="⏳ FloodWait: ожидание")
    assert scene.telegram.call_count("updates.GetState", scene.owner) == 1


async def test_sigterm_ends_a_connection_attempt_and_leaves_what_waits_for_telegram_to_the_next_start(
    new_scene: NewScene,
) -> None:
    scene = await new_scene(SHUTDOWN_GRACE="8s")
    await scene.daemon.start()
    scene.faults.delay("messages.SendMessage", 1, count=1)
    said = scene.say()
    await until(lambda: scene.sends() == 1, "a reply on its way")
    scene.faults.black_hole(60, scene.owner)
    connecting = await scene.daemon.line("🔄 Переподключение через")
    await scene.daemon.line("🔄 Подключаюсь к Telegram...", after=connecting)
    began = time.monotonic()
    assert await scene.daemon.stop() == 0
    assert time.monotonic() - began < 5
    scene.faults.clear()
    await scene.daemon.start()
    await scene.settle()
    assert scene.answers(said)
