"""The words: complete in both languages, all of them used, and the contract lines exactly as promised."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import pytest

from transcriber.errors import ActionNeeded
from transcriber.texts import LANGUAGES, Words

ROOT = Path(__file__).parents[1]
TABLE: dict[str, dict[str, str]] = tomllib.loads((ROOT / "transcriber" / "texts.toml").read_text("utf-8"))
SOURCES = [
    ROOT / "userbot.py",
    ROOT / "wiring.py",
    *(ROOT / "transcriber").glob("*.py"),
    *(ROOT / "config").glob("*.py"),
]
SOURCE = "\n".join(file.read_text("utf-8") for file in SOURCES if file.exists())
ERRORS = "RetryLater|Rejected|Gone|Interrupted|ModelUnavailable|ActionNeeded|Lost"

# People grep these; the order is the order in which they appear.
CONTRACT = """
🚀 Запускаю голосового транскрибера...
💻 CPU потоков: 2
👥 Отслеживаемых пользователей: 3
✅ Preflight check passed: ready to start bot
🔄 Подключаюсь к Telegram...
✅ Подключено к Telegram
✅ Бот запущен!
🎙️ Работаю с моделью small!
📋 Список отслеживаемых: ...
⚠️ Отключено от Telegram. Пытаюсь переподключиться...
⚠️ Сетевая ошибка: Connection lost
🔄 Переподключение через 5 секунд...
⏳ FloodWait: ожидание 30 секунд...
⚠️ Ошибка Telegram API: <error>
❌ Неожиданная ошибка: <error>
🛑 Получен сигнал 15. Останавливаюсь...
🛑 Остановка по запросу...
🛑 Отключен от Telegram
✅ Голосовой транскрибер остановлен корректно
"""


def _placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_the_russian_log_lines_are_the_ones_promised() -> None:
    say = Words("ru")
    lines = [
        say("starting"),
        say("cpu_threads", threads=2),
        say("tracked_count", count=3),
        say("preflight_passed"),
        say("connecting"),
        say("connected"),
        say("running"),
        say("using_model", model="small"),
        say("tracked_list", names="..."),
        say("disconnected"),
        say("network_error", error="Connection lost"),
        say("reconnecting_in", seconds=5),
        say("flood_wait", seconds=30),
        say("api_error", error="<error>"),
        say("unexpected_error", error="<error>"),
        say("signal", number=15),
        say("stopping"),
        say("signed_off"),
        say("stopped"),
    ]
    assert lines == CONTRACT.strip().splitlines()


@pytest.mark.parametrize("key", TABLE)
def test_every_sentence_exists_in_both_languages_with_the_same_values(key: str) -> None:
    assert set(TABLE[key]) == set(LANGUAGES)
    assert len({frozenset(_placeholders(sentence)) for sentence in TABLE[key].values()}) == 1
    assert all(sentence.strip() for sentence in TABLE[key].values())


@pytest.mark.parametrize("key", TABLE)
def test_every_sentence_is_used(key: str) -> None:
    assert re.search(rf"""["']{re.escape(key)}["']""", SOURCE) or key in _computed_keys(), f"nothing says {key}"


def test_every_sentence_that_the_program_says_exists() -> None:
    said = set(re.findall(r"""\b(?:_?say|_?words|_mistake|Words\(\w*\))\(\s*"(\w+)\"""", SOURCE))
    said |= set(re.findall(rf"""\b(?:{ERRORS})\(\s*"(\w+)\"""", SOURCE))
    assert said  # the pattern still finds something
    assert said <= set(TABLE)


def test_a_name_from_a_chat_cannot_reach_into_the_program() -> None:
    assert Words("en")("tracked_list", names="{0.__class__} {x}") == "📋 Tracked users: {0.__class__} {x}"


def test_an_error_becomes_its_sentence() -> None:
    assert Words("en").error(ActionNeeded("redis_no_binary")).startswith("No redis-server")


def _computed_keys() -> set[str]:
    """Keys that the source builds: an f-string such as f"help_{name}" stands for every key of that shape."""
    shapes = re.findall(r"""\bf"(\w*(?:\{[\w.]+\}\w*)+)\"""", SOURCE)
    patterns = [
        re.sub(r"\\\{.*?\\\}", r"\\w+", re.escape(shape)) for shape in shapes if re.search(r"[a-z]_|_[a-z]", shape)
    ]
    return {key for key in TABLE for pattern in patterns if re.fullmatch(pattern, key)}
