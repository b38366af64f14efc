"""A Redis of the operator's own, to be restarted, killed, filled up and made read-only."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from transcriber.redis_server import find_binary


class OwnRedis:
    """`redis-server` on a unix socket, with an append-only file like the one in docker-compose.yml."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"unix://{folder / 'redis.sock'}"

    async def start(self) -> None:
        """Start and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            str(find_binary()),
            *("--port", "0", "--unixsocket", str(self._folder / "redis.sock"), "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        while True:
            try:
                await self.command("PING")
                return
            except (RedisError, OSError):
                await asyncio.sleep(0.02)

    async def stop(self, number: int = signal.SIGTERM) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    async def command(self, *words: str) -> Any:
        """One command."""
        async with Redis.from_url(self.url, decode_responses=True) as client:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]
