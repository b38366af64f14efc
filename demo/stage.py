"""What the demo and the benchmarks stand on: a Telegram with two people in it, and the daemon as its own process."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.phones import Phone
from sandbox import Account, Telegram
from tests.stage import Daemon, Process, until
from transcriber.texts import Words

START_LIMIT_S = 90.0  # loading a model from a slow disk
STOP_LIMIT_S = 15.0


class NotStarted(Exception):
    """The daemon did not come up; the text is what it logged."""


@dataclass(frozen=True)
class Stage:
    """The daemon is signed in as the owner and tracks the friend; both hold a phone as well."""

    telegram: Telegram
    owner: Account
    friend: Account
    owners_phone: Phone
    friends_phone: Phone
    daemon: Daemon

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The daemon at work; it is gone afterwards, however this ends. Raises NotStarted."""
        process = None
        try:
            await self.daemon.start(wait_for="")
            process = self.daemon.process
            await self._connected()
            yield
        finally:
            if process is not None:
                await _end(process)

    async def _connected(self) -> None:
        line = Words(self.daemon.env["LANGUAGE"])("running")
        ended = self.daemon.process
        try:
            await until(lambda: line in self.daemon.text or ended.returncode is not None, patience_s=START_LIMIT_S)
        except AssertionError:
            raise NotStarted(self.daemon.text) from None
        if ended.returncode is not None:
            raise NotStarted(self.daemon.text)


@asynccontextmanager
async def stage(weights: Path, language: str, *, owner: str, friend: str) -> AsyncIterator[Stage]:
    """Set up Telegram, two people, their phones and the daemon's folder; nothing of it is left afterwards."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voice-transcriber-")))
        telegram = await stack.enter_async_context(Telegram())
        me = telegram.add_account(owner, username="owner", phone="79990000001")
        them = telegram.add_account(friend, username="friend", phone="79990000002")
        data = folder / "data"
        data.mkdir()
        telegram.write_session(me, data / "voice_transcriber.session", knows=[them])
        mine = await stack.enter_async_context(Phone(telegram, me, folder, knows=[them]))
        theirs = await stack.enter_async_context(Phone(telegram, them, folder, knows=[me]))
        daemon = Daemon(folder, _environment(data, weights, language, them))
        yield Stage(telegram, me, them, mine, theirs, daemon)


async def _end(process: Process) -> None:
    """Ask it to stop; insist when it does not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
        except TimeoutError:
            continue
        return


def _environment(data: Path, weights: Path, language: str, friend: Account) -> dict[str, str]:
    return {
        "API_ID": "12345",
        "API_HASH": "0123456789abcdef0123456789abcdef",
        "DATA_DIR": str(data),
        "SESSION_NAME": "voice_transcriber",
        "REDIS_URL": "",
        "WHISPER_MODEL": str(weights),
        "TRACKED_USERS": str(friend.id),
        "LANGUAGE": language,
        "LOG_FORMAT": "text",
        "LOG_LEVEL": "INFO",
        "PYTHONIOENCODING": "utf-8",  # whatever this console is: the log is read, not shown
    }
