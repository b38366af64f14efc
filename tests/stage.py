"""The stage of the end-to-end tests: a sandbox Telegram with people in it, and the daemon as its own process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from sandbox import Account, Chat, Telegram
from tests.forks import Fork, fork

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 90.0
# Compiled once, wherever the tests run: compiling kurigram anew makes each start of the daemon 4 s longer.
COMPILED = {"PYTHONPYCACHEPREFIX": str(ROOT / ".cache" / "pycache"), "PYTHONDONTWRITEBYTECODE": ""}


async def until(condition: Callable[[], Any], what: str = "", patience_s: float = PATIENCE_S) -> Any:
    """Wait for a condition; AssertionError with `what` when it does not come true."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {patience_s:g} s for {what or condition}"
        await asyncio.sleep(0.02)
    return found


Process = asyncio.subprocess.Process | Fork


class Daemon:
    """`python userbot.py`, with everything it printed."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env
        self.lines: list[str] = []
        self.program = ROOT / "userbot.py"
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def process(self) -> Process:
        """The running process."""
        assert self._process is not None, "not started"
        return self._process

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.returncode is None

    @property
    def text(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    async def spawn(self, *arguments: str, **env: str) -> Process:
        """A process that is about to run it."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(self.program),
            *arguments,
            cwd=self.folder,
            env=self._environment(env),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def start(self, *arguments: str, wait_for: str = "✅ Бот запущен!", **env: str) -> None:
        """Start it and wait for a line (none: do not wait)."""
        seen = len(self.lines)
        self._process = await self.spawn(*arguments, **env)
        self._reader = asyncio.create_task(self._read())
        if wait_for:
            await until(
                lambda: wait_for in "\n".join(self.lines[seen:]) or self.process.returncode is not None, wait_for
            )
            assert self.process.returncode is None, self.text

    async def line(self, text: str, *, after: int = 0) -> int:
        """Wait for a line that contains `text`; its index plus one, to wait for the next one after it."""

        def found() -> int:
            return next((i + 1 for i, line in enumerate(self.lines) if i >= after and text in line), 0)

        index: int = await until(found, f"the log line {text!r}")
        return index

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()

    async def ask(self, *arguments: str, **env: str) -> tuple[int, str]:
        """Run a subcommand with the daemon's settings; its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "userbot.py"),
            *arguments,
            cwd=self.folder,
            env=self._environment(env),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def kill(self) -> None:
        """kill -9."""
        await self.stop(signal.SIGKILL)

    async def ended(self, patience_s: float = PATIENCE_S) -> int:
        """Wait for the end; the exit code."""
        code = await asyncio.wait_for(self.process.wait(), patience_s)
        if self._reader is not None:
            await self._reader
        return code

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        return {**os.environ, **COMPILED, **self.env, **more}

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())


class ForkedDaemon(Daemon):
    """The same, started without importing anything anew."""

    async def spawn(self, *arguments: str, **env: str) -> Process:
        """A process that is about to run it."""
        return await fork(self.program, arguments, self.folder, self._environment(env))


class Stage:
    """The owner (whose account the daemon is), Anna (tracked), Boris (not), a group and a supergroup."""

    def __init__(self, telegram: Telegram, folder: Path, weights: Path, **env: str) -> None:
        self.telegram = telegram
        self.owner = telegram.add_account("Owner", username="owner_t", phone="79990000001")
        self.anna = telegram.add_account("Анна", username="anna_t", phone="79990000002")
        self.boris = telegram.add_account("Boris", username="boris_t", phone="79990000003")
        everybody = [self.owner, self.anna, self.boris]
        self.group = telegram.add_group("Family", everybody)
        self.club = telegram.add_supergroup("Club", everybody)
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.session_file = self.data / "voice_transcriber.session"
        telegram.write_session(self.owner, self.session_file, knows=[self.anna, self.boris, self.group, self.club])
        self.daemon = ForkedDaemon(
            folder,
            {
                "API_ID": "12345",
                "API_HASH": "0123456789abcdef0123456789abcdef",
                "DATA_DIR": str(self.data),
                "WHISPER_MODEL": str(weights),
                "TRACKED_USERS": str(self.anna.id),
                "LANGUAGE": "ru",
                "REDIS_URL": "",
                **env,
            },
        )

    def replies(self, peer: Account | Chat, message_id: int | None = None) -> list[Any]:
        """What the owner's account wrote in a chat (as replies to one message), oldest first."""
        messages = self.telegram.messages(self.owner, peer)
        own = [m for m in messages if m.sender_id == self.owner.id]
        return [m for m in own if m.reply_to == message_id] if message_id is not None else own

    def seen_by_owner(self, sent: Any) -> int:
        """The id of a sent message in the owner's mailbox."""
        return int(sent.seen_by(self.owner))

    async def answer(self, peer: Account | Chat, sent: Any, parts: int = 1) -> str:
        """Wait for the answer to a voice; its text."""
        message_id = self.seen_by_owner(sent)
        await until(lambda: len(self.replies(peer, message_id)) >= parts, f"an answer; the log:\n{self.daemon.text}")
        return "\n".join(m.text for m in self.replies(peer, message_id))

    async def command(self, text: str, peer: Account | Chat | None = None, reply_to: Any = None) -> str:
        """Let the owner write a command and wait for the message to be edited into the answer."""
        peer = peer or self.owner
        sent = self.telegram.send_text(self.owner, peer, text, reply_to=reply_to)
        message_id = int(sent.seen_by(self.owner))

        def answered() -> str:
            found = next((m for m in self.telegram.messages(self.owner, peer) if m.id == message_id), None)
            return found.text if found and found.text != text and not found.text.startswith("⏳") else ""

        answer: str = await until(answered, f"an answer to {text}; the log:\n{self.daemon.text}")
        return answer

    async def redis(self) -> Redis:
        """The daemon's embedded Redis."""
        address = (self.data / "redis" / "address").read_text("utf-8")
        return Redis.from_url(address, decode_responses=True)
