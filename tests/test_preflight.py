"""The preflight: each check against the real thing it looks at."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from config import REDIS_CONF
from transcriber.errors import ModelUnavailable
from transcriber.preflight import (
    RELEASED,
    clock_sane,
    cpu_capable,
    folder_writable,
    preflight,
    redis_usable,
    session_present,
)
from transcriber.redis_server import embedded_redis
from transcriber.texts import Words

WORDS = Words("en")
NOW_S = RELEASED.timestamp()
YEAR_S = 365 * 86400.0


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    async with embedded_redis(tmp_path / "redis", REDIS_CONF, WORDS) as url, Redis.from_url(url) as client:
        yield client


def _session(file: Path, user_id: int | None = 5, auth_key: bytes | None = b"k") -> Path:
    """A session file as the Telegram library leaves it, as far as the preflight looks."""
    database = sqlite3.connect(file)
    with database:
        database.execute("CREATE TABLE sessions (dc_id INTEGER, auth_key BLOB, user_id INTEGER)")
        database.execute("INSERT INTO sessions VALUES (2, ?, ?)", (auth_key, user_id))
    database.close()
    return file


async def _ready() -> None:
    await asyncio.sleep(0)


async def test_all_in_order_is_an_empty_list(tmp_path: Path, redis: Redis) -> None:
    session = _session(tmp_path / "a.session")
    assert not await preflight(WORDS, data_dir=tmp_path, session_file=session, redis=redis, load_model=_ready)


async def test_a_model_that_does_not_load_is_a_sentence(tmp_path: Path, redis: Redis) -> None:
    async def load() -> None:
        raise ModelUnavailable("redis_no_binary")  # any sentence will do

    session = _session(tmp_path / "a.session")
    [problem] = await preflight(WORDS, data_dir=tmp_path, session_file=session, redis=redis, load_model=load)
    assert problem == WORDS("redis_no_binary")


async def test_every_problem_is_told_at_once_and_no_model_is_loaded_for_nothing(tmp_path: Path, redis: Redis) -> None:
    async def load() -> None:
        pytest.fail("loaded a model although the start is refused")

    (tmp_path / "file").write_text("")
    await redis.config_set("min-replicas-to-write", 1)
    problems = await preflight(
        WORDS, data_dir=tmp_path / "file", session_file=tmp_path / "no.session", redis=redis, load_model=load
    )
    assert len(problems) == 3


async def test_a_file_where_the_folder_should_be_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "file" in (folder_writable(WORDS, tmp_path / "file") or "")
    assert folder_writable(WORDS, tmp_path / "new" / "folder") is None


async def test_a_redis_that_works_passes_and_keeps_nothing_of_it(redis: Redis) -> None:
    assert await redis_usable(WORDS, redis) is None
    assert await redis.dbsize() == 0


async def test_a_redis_that_is_away_is_noticed(tmp_path: Path) -> None:
    async with Redis.from_url(f"unix://{tmp_path}/no.sock") as client:
        assert "does not answer" in (await redis_usable(WORDS, client) or "")


async def test_a_replica_is_noticed(redis: Redis) -> None:
    await redis.replicaof("127.0.0.1", "1")
    assert await redis_usable(WORDS, redis) == WORDS("redis_read_only")


async def test_a_full_redis_is_noticed(redis: Redis) -> None:
    await redis.config_set("maxmemory", 1)
    assert await redis_usable(WORDS, redis) == WORDS("redis_full")


async def test_a_redis_that_throws_work_away_is_noticed(redis: Redis) -> None:
    await redis.config_set("maxmemory", "100mb")
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    assert await redis_usable(WORDS, redis) == WORDS("redis_evicts", policy="allkeys-lru")


async def test_a_wrong_password_is_noticed_and_not_repeated(redis: Redis) -> None:
    await redis.config_set("requirepass", "right")
    socket = redis.connection_pool.connection_kwargs["path"]
    for password in ("", ":hunter2@"):
        async with Redis.from_url(f"unix://{password}{socket}") as client:
            problem = await redis_usable(WORDS, client) or ""
        assert "refuses access" in problem
        assert "hunter2" not in problem


def test_a_session_passes_and_becomes_private(tmp_path: Path) -> None:
    file = _session(tmp_path / "a b#.session")
    file.chmod(0o644)
    assert session_present(WORDS, file) is None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(("user_id", "auth_key"), [(None, b"k"), (5, None), (5, b"")])
def test_a_sign_in_that_was_begun_is_no_session(tmp_path: Path, user_id: int | None, auth_key: bytes | None) -> None:
    assert "userbot.py login" in (session_present(WORDS, _session(tmp_path / "a.session", user_id, auth_key)) or "")


def test_no_session_names_the_command(tmp_path: Path) -> None:
    assert "userbot.py login" in (session_present(WORDS, tmp_path / "a.session") or "")
    assert not (tmp_path / "a.session").exists()


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to look like one" * 20])
def test_a_broken_session_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.session").write_bytes(content)
    assert "cannot be read" in (session_present(WORDS, tmp_path / "a.session") or "")


@pytest.mark.parametrize(
    ("machine", "text", "capable"),
    [
        ("x86_64", "flags\t\t: fpu sse4_1 avx avx2\n", True),
        ("AMD64", "flags\t\t: fpu sse4_1 noavx\n", False),
        ("aarch64", "Features\t: fp asimd\n", True),
        ("x86_64", "", True),
    ],
)
def test_a_processor_without_avx_is_noticed(tmp_path: Path, machine: str, text: str, *, capable: bool) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert (cpu_capable(WORDS, tmp_path / "cpuinfo", machine) is None) == capable


@pytest.mark.parametrize(
    ("now_s", "newest_known_s", "sane"),
    [
        (NOW_S, NOW_S, True),
        (NOW_S - 3600, NOW_S, True),
        (0, NOW_S, False),
        (NOW_S, NOW_S + 30 * 86400, False),
        (NOW_S + 5 * YEAR_S, NOW_S, True),
        (NOW_S + 50 * YEAR_S, NOW_S, False),
    ],
)
def test_a_clock_that_cannot_be_right_is_noticed(now_s: float, newest_known_s: float, *, sane: bool) -> None:
    assert (clock_sane(WORDS, now_s, newest_known_s) is None) == sane


def test_the_sentence_about_the_clock_shows_it() -> None:
    assert "1970-01-01" in (clock_sane(WORDS, 0, datetime.now(UTC).timestamp()) or "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_this_very_processor_is_judged_by_its_own_flags() -> None:
    assert (cpu_capable(WORDS) is None) == (" avx " in Path("/proc/cpuinfo").read_text() or not _is_x86())


def _is_x86() -> bool:
    return "flags\t" in Path("/proc/cpuinfo").read_text()
