"""What is looked at before the first connection: each check gives a sentence about its problem, or nothing."""

from __future__ import annotations

import contextlib
import platform
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, OutOfMemoryError, ReadOnlyError, RedisError

from transcriber.errors import TranscriberError
from transcriber.texts import Words

RELEASED = datetime(2026, 11, 21, tzinfo=UTC)  # this version; no clock that is right shows an earlier day
_TOLERANCE_S = 86400.0  # a time zone mistaken for UTC is no broken clock
_LIFETIME_S = 20 * 365 * 86400.0
_PROBE_KEY, _PROBE_TTL_MS = "preflight", 60_000
_X86 = ("x86_64", "amd64", "i386", "i686")


async def preflight(
    words: Words,
    *,
    data_dir: Path,
    session_file: Path,
    redis: Redis,
    load_model: Callable[[], Awaitable[object]],
    last_seen_s: float = 0.0,
) -> list[str]:
    """The problems that keep the program from starting, one sentence each; an empty list is "ready".

    `last_seen_s`: when this program last ran, in Unix seconds, if that is known. The model, which may take minutes,
    is loaded only when everything else is in order; any TranscriberError of `load_model` is its problem.
    """
    session_s = session_file.stat().st_mtime if session_file.exists() else 0.0
    found = [
        folder_writable(words, data_dir),
        await redis_usable(words, redis),
        session_present(words, session_file),
        cpu_capable(words),
        clock_sane(words, time.time(), max(RELEASED.timestamp(), session_s, last_seen_s)),
    ]
    problems = [problem for problem in found if problem]
    if not problems and (problem := await model_loadable(words, load_model)):
        problems.append(problem)
    return problems


def folder_writable(words: Words, folder: Path) -> str | None:
    """A file can be made in the folder, and there is room for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(4096))
    except OSError as error:
        return words("folder_not_writable", folder=folder, error=error.strerror)
    return None


async def redis_usable(words: Words, redis: Redis) -> str | None:
    """Redis answers, takes a value and gives it back, and will not throw accepted work away."""
    try:
        await redis.set(_PROBE_KEY, "1", px=_PROBE_TTL_MS)
        await redis.delete(_PROBE_KEY)
        memory = await redis.info("memory")
    except ReadOnlyError:
        return words("redis_read_only")
    except OutOfMemoryError:
        return words("redis_full")
    except (RedisError, OSError) as error:
        return words(_redis_problem(error), error=str(error).rstrip("."))
    policy = memory.get("maxmemory_policy", "noeviction")
    if memory.get("maxmemory") and policy != "noeviction":
        return words("redis_evicts", policy=policy)
    return None


def _redis_problem(error: Exception) -> str:
    """The sentence for an error: the library's classes do not tell a refusal or a full disk from a lost connection."""
    signs = {
        "HELLO must be called": "redis_refuses",  # a password is needed and none was given
        "username-password": "redis_refuses",
        "MISCONF": "redis_cannot_save",
    }
    known = (key for sign, key in signs.items() if sign in str(error))
    refused = isinstance(error, AuthenticationError | NoPermissionError)
    return next(known, "redis_refuses" if refused else "redis_unreachable")


def session_present(words: Words, session_file: Path) -> str | None:
    """Somebody has signed in; the file is made private if it is not."""
    if not session_file.is_file():
        return words("session_missing", file=session_file)
    try:
        session_file.chmod(0o600)
        key = signed_in_key(session_file)
    except (OSError, sqlite3.Error) as error:
        return words("session_unreadable", file=session_file, error=error)
    return None if key else words("session_missing", file=session_file)


def signed_in_key(session_file: Path) -> bytes | None:
    """The key by which Telegram knows this session, or None when nobody has signed in with it.

    Raises OSError or sqlite3.Error when the file is not there or cannot be read.
    """
    with contextlib.closing(sqlite3.connect(f"file:{quote(str(session_file))}?mode=ro", uri=True)) as database:
        row = database.execute("SELECT user_id, auth_key FROM sessions").fetchone()
    return bytes(row[1]) if row and all(row) else None


def cpu_capable(words: Words, cpuinfo: Path = Path("/proc/cpuinfo"), machine: str = platform.machine()) -> str | None:
    """CTranslate2 needs AVX to be of any use on x86; other processors, and systems that do not tell, pass."""
    if machine.lower() not in _X86 or not cpuinfo.exists():
        return None
    flags = {flag for line in cpuinfo.read_text().splitlines() if line.startswith("flags") for flag in line.split()}
    return None if not flags or "avx" in flags else words("cpu_without_avx")


def clock_sane(words: Words, now_s: float, newest_known_s: float) -> str | None:
    """The clock is not before a time that has certainly been, nor decades after it; both in Unix seconds."""
    if newest_known_s - _TOLERANCE_S <= now_s <= newest_known_s + _LIFETIME_S:
        return None
    return words("clock_wrong", now=datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d %H:%M UTC"))


async def model_loadable(words: Words, load_model: Callable[[], Awaitable[object]]) -> str | None:
    """The model is here, or can be fetched, and loads."""
    try:
        await load_model()
    except TranscriberError as error:
        return words.error(error)
    return None
