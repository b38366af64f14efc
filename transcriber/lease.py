"""One instance only: Telegram ends the session of both when two use it (docs/telegram.md, fact 17).

Two guards: a lock on a file beside the session (same machine), and a lease in Redis (any machine with the same Redis).
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from transcriber.errors import TranscriberError
from transcriber.recall import recall
from transcriber.redis_client import RedisTrouble, reply_of
from transcriber.state import State

log = logging.getLogger(__name__)

_KEY = "vt:lease"
# Only the owner may renew or drop the lease; Redis runs a script as one step (redis.io, "Distributed locks").
_RENEW = "return redis.call('get',KEYS[1])==ARGV[1] and redis.call('pexpire',KEYS[1],ARGV[2]) or 0"
_DROP = "return redis.call('get',KEYS[1])==ARGV[1] and redis.call('del',KEYS[1]) or 0"


class Occupied(TranscriberError):
    """Another instance holds the account: do not connect."""


def _owner() -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": time.time(),
        "place": _place(),
        "nonce": secrets.token_hex(8),
    }


def _occupied(owner: dict[str, Any], key: str = "second_instance") -> Occupied:
    since = datetime.fromtimestamp(float(owner.get("since", 0))).astimezone()
    return Occupied(
        key,
        host=owner.get("host", "?"),
        pid=owner.get("pid", "?"),
        since=since.strftime("%Y-%m-%d %H:%M:%S"),
    )


@contextmanager
def file_lock(session_file: Path) -> Iterator[None]:
    """Hold the session file's lock; the kernel drops it however the process ends. Raises Occupied."""
    path = session_file.with_suffix(".lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _occupied(_parse(os.read(descriptor, 4096))) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(_owner()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _parse(line: bytes | str) -> dict[str, Any]:
    found = recall(json.loads, line)
    return found if isinstance(found, dict) else {}


class Lease:
    """The lease in Redis: taken before connecting, renewed while running, never trusted after a freeze."""

    def __init__(self, state: State, *, ttl_s: float = 30.0) -> None:
        self._redis = state.redis
        self._ttl_s = ttl_s
        self._value = json.dumps(_owner())
        self._renewed = float("-inf")
        self._stolen = False

    @property
    def held(self) -> bool:
        """Whether nobody else can have taken over. Time stood still for a frozen process, but not on this clock."""
        return not self._stolen and _now() - self._renewed < self._ttl_s

    async def take(self) -> None:
        """Take the lease, waiting at most its lifetime for a crashed predecessor's to expire. Raises Occupied."""
        before_ms = self._ttl_s * 1000
        while not await self._try_take():
            other = await reply_of(self._redis.get(_KEY)) or "{}"
            remaining_ms = await reply_of(self._redis.pttl(_KEY))
            if remaining_ms > before_ms:  # somebody keeps it alive
                raise _occupied(_parse(other))
            if _is_dead(_parse(other)):
                await reply_of(self._redis.eval(_DROP, 1, _KEY, other))
                continue
            before_ms = remaining_ms
            await asyncio.sleep(min(1.0, self._ttl_s / 10))

    async def keep(self) -> None:
        """Renew until cancelled. Raises Occupied when somebody else took it."""
        while True:
            await asyncio.sleep(self._ttl_s / 4)
            await self.confirm()

    async def confirm(self) -> None:
        """Renew now, if Redis is there. Raises Occupied when somebody else took it."""
        try:
            await self._renew()
        except RedisTrouble as error:
            log.debug("lease: %r", error)

    async def _renew(self) -> None:
        started = _now()
        if await reply_of(self._redis.eval(_RENEW, 1, _KEY, self._value, int(self._ttl_s * 1000))):
            self._renewed = started
        elif not await self._try_take():  # it expired, and somebody was faster
            self._stolen = True
            raise _occupied(_parse(await reply_of(self._redis.get(_KEY)) or "{}"), "lease_lost")

    async def drop(self) -> None:
        """Let the next start take over at once."""
        try:
            await reply_of(self._redis.eval(_DROP, 1, _KEY, self._value))
        except RedisTrouble as error:
            log.debug("lease: %r", error)

    async def _try_take(self) -> bool:
        started = _now()
        if not await reply_of(self._redis.set(_KEY, self._value, nx=True, px=int(self._ttl_s * 1000))):
            return False
        self._renewed, self._stolen = started, False
        return True


def _is_dead(owner: dict[str, Any]) -> bool:
    """Whether the owner was a process of this very machine that is gone: no need to wait for its lease."""
    if owner.get("place") != _place():
        return False
    try:
        os.kill(int(owner["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, KeyError):
        return False
    return int(owner["pid"]) == os.getpid()


def _place() -> str:
    """This boot of this machine and this container: only within it does a pid mean anything."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return secrets.token_hex(8)


def _now() -> float:
    """Seconds that also count while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
