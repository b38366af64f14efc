"""One session after another: pauses, log lines, FloodWait, and what only a person can mend."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.stage import until
from transcriber.errors import ActionNeeded, Lost, Refused, RetryLater
from transcriber.health import Level, Part
from transcriber.state import State
from transcriber.supervisor import PAUSES_S, Supervisor, pause_after
from transcriber.texts import Words

SAY = Words("ru")


class Sessions:
    """Sessions that end as told: (whether it connected, the error it ends with); then one that holds."""

    def __init__(self, *endings: tuple[bool, Exception]) -> None:
        self.endings = list(endings)
        self.started: list[float] = []

    async def hold(self, listener: object, closing: asyncio.Event, on_start: Callable[[], Awaitable[None]]) -> None:
        self.started.append(time.monotonic())
        connected, error = self.endings.pop(0) if self.endings else (True, None)
        if connected:
            await on_start()
        if error is not None:
            raise error
        await closing.wait()


class Watch:
    """A supervisor with its health part."""

    def __init__(self, state: State, sessions: Sessions, pauses_s: tuple[float, ...] = (0.05, 0.1, 0.2)) -> None:
        self.part, self.closing, self.sessions = Part(Level.DOWN), asyncio.Event(), sessions
        self.supervisor = Supervisor(
            sessions, state, SAY, self.part, pauses_s=pauses_s, before_connecting=self._nothing, on_start=self._nothing
        )

    async def _nothing(self) -> None:
        return None

    async def run_until_it_holds(self) -> None:
        task = asyncio.create_task(self.supervisor.run(None, self.closing))  # type: ignore[arg-type]
        await until(lambda: (not self.sessions.endings and self.part.level is Level.OK) or task.done())
        self.closing.set()
        await task


@pytest.fixture(autouse=True)
def _lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="transcriber.supervisor")


@pytest.mark.parametrize(
    ("failures", "pause_s"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (7, 300), (99, 300)]
)
def test_pauses_double_up_to_five_minutes(failures: int, pause_s: float) -> None:
    assert pause_after(failures, PAUSES_S) == pause_s


async def test_a_lost_network_is_told_in_the_agreed_lines(state: State, caplog: pytest.LogCaptureFixture) -> None:
    await Watch(state, Sessions((True, Lost("network_error", error="Connection lost"))), (0.05,)).run_until_it_holds()
    assert caplog.messages == [
        "🔄 Подключаюсь к Telegram...",
        "✅ Подключено к Telegram",
        "✅ Бот запущен!",
        "⚠️ Отключено от Telegram. Пытаюсь переподключиться...",
        "⚠️ Сетевая ошибка: Connection lost",
        "🔄 Переподключение через 0.05 секунд...",
        "🔄 Подключаюсь к Telegram...",
        "✅ Подключено к Telegram",
        "✅ Бот запущен!",
        "🛑 Отключен от Telegram",
    ]


async def test_the_pause_grows_with_failures_and_a_success_resets_it(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    lost = Lost("network_error", error="x")
    await Watch(state, Sessions((False, lost), (False, lost), (True, lost), (False, lost))).run_until_it_holds()
    pauses = [line.split(" ")[3] for line in caplog.messages if line.startswith("🔄 Переподключение")]
    assert pauses == ["0.05", "0.1", "0.05", "0.1"]


async def test_a_telegram_error_and_a_surprise_have_lines_of_their_own(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    await Watch(state, Sessions((False, Refused("SOME_ERROR")), (False, KeyError("?")))).run_until_it_holds()
    assert "⚠️ Ошибка Telegram API: SOME_ERROR" in caplog.messages
    (surprise,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert surprise.getMessage().startswith("❌ Неожиданная ошибка: KeyError")


async def test_a_flood_wait_is_waited_out(state: State, caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(state, Sessions((False, RetryLater("flood_wait", after_s=1.0, seconds=1))))
    await watch.run_until_it_holds()
    first, second = watch.sessions.started
    assert second - first >= 0.9
    assert "⏳ FloodWait: ожидание 1 секунд..." in caplog.messages


async def test_a_flood_wait_is_remembered_for_the_next_start(state: State) -> None:
    watch = Watch(state, Sessions((False, RetryLater("flood_wait", after_s=600, seconds=600))))
    task = asyncio.create_task(watch.supervisor.run(None, watch.closing))  # type: ignore[arg-type]
    while not await state.flood_until():  # noqa: ASYNC110 - Redis tells nobody when it was written to
        await asyncio.sleep(0.02)
    assert 590 < await state.flood_until() - time.time() <= 600
    watch.closing.set()
    await task


async def test_a_restart_waits_only_the_rest_of_a_flood_wait(state: State) -> None:
    await state.set_flood_until(time.time() + 1.0)
    watch = Watch(state, Sessions())
    started = time.monotonic()
    await watch.run_until_it_holds()
    assert 0.8 <= watch.sessions.started[0] - started < 5


@pytest.mark.parametrize("wait", ["pause", "flood"])
async def test_a_stop_ends_every_wait_at_once(state: State, wait: str) -> None:
    error = Lost("network_error", error="x") if wait == "pause" else RetryLater("flood_wait", after_s=600, seconds=600)
    watch = Watch(state, Sessions((False, error)), (600.0,))
    task = asyncio.create_task(watch.supervisor.run(None, watch.closing))  # type: ignore[arg-type]
    await until(lambda: watch.sessions.started)
    watch.closing.set()
    await asyncio.wait_for(task, 2)
    assert len(watch.sessions.started) == 1


async def test_what_only_a_person_can_mend_ends_the_trying(state: State) -> None:
    watch = Watch(state, Sessions((True, ActionNeeded("session_revoked"))))
    with pytest.raises(ActionNeeded):
        await watch.supervisor.run(None, watch.closing)  # type: ignore[arg-type]
    assert watch.part.level is Level.DOWN
    assert watch.part.reason == SAY("session_revoked")
