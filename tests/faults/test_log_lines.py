"""The blocks of log lines that operators grep, exactly in their order, in both languages."""

from __future__ import annotations

import re

import pytest

from tests.faults.conftest import NewScene

pytestmark = pytest.mark.asyncio(loop_scope="package")

START = {
    "ru": [
        "🚀 Запускаю голосового транскрибера...",
        "💻 CPU потоков: 2",
        "👥 Отслеживаемых пользователей: 1",
        "✅ Preflight check passed: ready to start bot",
        "🔄 Подключаюсь к Telegram...",
        "✅ Подключено к Telegram",
        "✅ Бот запущен!",
        "🎙️ Работаю с моделью tiny.en!",
        "📋 Список отслеживаемых: @anna_t",
    ],
    "en": [
        "🚀 Starting the voice transcriber...",
        "💻 CPU threads: 2",
        "👥 Tracked users: 1",
        "✅ Preflight check passed: ready to start bot",
        "🔄 Connecting to Telegram...",
        "✅ Connected to Telegram",
        "✅ The bot is running!",
        "🎙️ Working with the model tiny.en!",
        "📋 Tracked users: @anna_t",
    ],
}
LOST = {
    "ru": [
        "⚠️ Отключено от Telegram. Пытаюсь переподключиться...",
        "⚠️ Сетевая ошибка: Connection lost",
        "🔄 Переподключение через 1 секунд...",
        "🔄 Подключаюсь к Telegram...",
        "✅ Подключено к Telegram",
        "✅ Бот запущен!",
    ],
    "en": [
        "⚠️ Disconnected from Telegram. Trying to reconnect...",
        "⚠️ Network error: Connection lost",
        "🔄 Reconnecting in 1 seconds...",
        "🔄 Connecting to Telegram...",
        "✅ Connected to Telegram",
        "✅ The bot is running!",
    ],
}
REFUSED = {
    "ru": ["⚠️ Сетевая ошибка: Connection refused", "🔄 Переподключение через 2 секунд..."],
    "en": ["⚠️ Network error: Connection refused", "🔄 Reconnecting in 2 seconds..."],
}
STOP = {
    "ru": [
        "🛑 Получен сигнал 15. Останавливаюсь...",
        "🛑 Остановка по запросу...",
        "🛑 Отключен от Telegram",
        "✅ Голосовой транскрибер остановлен корректно",
    ],
    "en": [
        "🛑 Received signal 15. Stopping...",
        "🛑 Stopping on request...",
        "🛑 Disconnected from Telegram",
        "✅ The voice transcriber has stopped cleanly",
    ],
}


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_the_blocks_come_line_by_line_in_their_order(new_scene: NewScene, language: str) -> None:
    scene = await new_scene(LANGUAGE=language, RECONNECT_PAUSES="1,2,3", CPU_THREADS="2")
    running, lost, refused = START[language][6], LOST[language], REFUSED[language]
    await scene.daemon.start(wait_for=START[language][-1])
    scene.faults.cut(scene.owner)
    again = await scene.daemon.line(running, after=9)
    scene.faults.refuse(4)
    await scene.daemon.line(running, after=again)
    assert await scene.daemon.stop() == 0
    said = [re.sub(r"^\S+ \S+ [A-Z]+ +", "", line) for line in scene.daemon.lines]
    # The pause is 1 s again after a success, and longer after each failure; connecting is tried three times first.
    second = [lost[0], lost[1], lost[2], lost[3], *refused, *lost[3:]]
    assert said == START[language] + lost + second + STOP[language]
