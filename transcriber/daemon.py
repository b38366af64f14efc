"""The running program: which parts there are, in what order they start, and in what order they stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from transcriber.catchup import CatchUp
from transcriber.chat import Chat
from transcriber.commands import Commands
from transcriber.errors import ModelUnavailable, Refused, TranscriberError
from transcriber.health import Health
from transcriber.intake import Intake
from transcriber.lease import Lease
from transcriber.pipeline import Pipeline
from transcriber.progress import loading_progress
from transcriber.redis_client import RedisTrouble
from transcriber.state import State
from transcriber.supervisor import Supervisor
from transcriber.tasks import end
from transcriber.telegram import Telegram
from transcriber.texts import Words
from transcriber.voice import Command, Person, Voice, label
from transcriber.whisper import Whisper

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """Everything that runs, wired by the entry point."""

    telegram: Telegram
    chat: Chat
    state: State
    intake: Intake
    pipeline: Pipeline
    catch_up: CatchUp
    health: Health
    lease: Lease
    supervisor: Supervisor
    engine: Whisper
    watchers: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()  # each runs until cancelled


class Listener:
    """Where updates go: voices to the intake, commands to the commands, both without waiting."""

    def __init__(self, intake: Intake, commands: Commands) -> None:
        self._intake = intake
        self._commands = commands

    async def on_voice(self, voice: Voice) -> None:
        """A message that may hold speech."""
        await self._intake.on_voice(voice)

    async def on_command(self, command: Command) -> None:
        """A message of the owner that starts with a slash."""
        await self._commands.on_command(command)


class Stop:
    """SIGTERM and SIGINT: the first one sets an event, a second one ends the process at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.number = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        if self.asked.is_set():
            os._exit(1)  # asked twice: nothing is lost, the next start takes over what was in hand
        self.number = number
        self.asked.set()

    def tell(self, say: Words) -> None:
        """Log what was asked, and that it is heard."""
        log.info(say("signal", number=int(self.number)))
        log.info(say("stopping"))


async def run(parts: Parts, listener: Listener, stop: Stop, say: Words, *, grace_s: float) -> None:
    """Run until `stop`, then: no new work, the job in hand gets `grace_s`, and Telegram is left last.

    Raises ActionNeeded or Occupied when it cannot go on.
    """
    try:
        await _run_all(parts, listener, stop, say, grace_s)
    except BaseExceptionGroup as group:
        known, surprises = group.split(TranscriberError)
        if surprises or known is None:
            raise
        raise _first(known) from group


def _first(group: BaseExceptionGroup[TranscriberError]) -> TranscriberError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _run_all(parts: Parts, listener: Listener, stop: Stop, say: Words, grace_s: float) -> None:
    hang_up = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        background = [
            tasks.create_task(work)
            for work in (
                *(parts.lease.keep(), parts.health.watch(), parts.catch_up.run(), _gaps(parts)),
                *(watch() for watch in parts.watchers),
            )
        ]
        working = tasks.create_task(parts.pipeline.run(stop.asked, grace_s=grace_s))
        online = tasks.create_task(parts.supervisor.run(listener, hang_up))
        await stop.asked.wait()
        stop.tell(say)
        parts.engine.resident.leave()
        if not parts.telegram.online:  # nothing can be said any more: that is left to the next start
            parts.telegram.leave()
            hang_up.set()
        await working
        hang_up.set()
        await online
        await end(*background)


async def _gaps(parts: Parts) -> None:
    """Missed updates mean: look through the history."""
    while True:
        await parts.telegram.gap.wait()
        parts.telegram.gap.clear()
        parts.catch_up.ask()


async def load_model(engine: Whisper, state: State, say: Words, configured: str) -> None:
    """The model chosen with /model, or, when that one is gone, the one from the settings. Raises ModelUnavailable."""
    chosen = await state.model()
    with loading_progress(chosen or configured, say) as on_progress:
        if chosen and chosen != configured:
            try:
                await engine.load(chosen, on_progress=on_progress)
                return
            except ModelUnavailable as error:
                log.warning(say.error(error))
        await engine.load(configured, on_progress=on_progress, trusted=True)


async def introduce(say: Words, state: State, engine: Whisper) -> None:
    """What works, and for whom, in the log."""
    log.info(say("using_model", model=label(engine.model)))
    log.info(say("tracked_list", names=", ".join((await state.tracked()).values()) or "—"))


async def seed(state: State, users: tuple[int | str, ...]) -> None:
    """Track the ids from the settings, each once ever: what the owner removed later stays removed."""
    for user in users:
        if isinstance(user, int) and await state.first_time(str(user)):
            await state.track(Person(user, str(user)))


async def greet(parts: Parts, users: tuple[int | str, ...]) -> None:
    """After connecting: give tracked people their names, and track the @names from the settings."""
    with contextlib.suppress(RedisTrouble):
        for user in [name for name in users if isinstance(name, str) and await parts.state.first_time(name)]:
            await _track(parts, user)
        for user_id, name in (await parts.state.tracked()).items():
            if name == str(user_id):
                await _track(parts, user_id)
        await parts.intake.reload()


async def _track(parts: Parts, who: int | str) -> None:
    try:
        await parts.state.track(await parts.chat.person(who))
    except Refused:
        log.warning("TRACKED_USERS: %s: not found", who)
    except TranscriberError as error:
        log.debug("%s: %s", who, error)
