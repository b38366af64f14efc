"""The account: one session at a time, from connecting to its end. Everything is said through `Telegram.call`.

The facts cited by number are those of docs/telegram.md.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

from pyrogram import raw
from pyrogram.handlers import RawUpdateHandler

from transcriber import inbox
from transcriber.client import Account
from transcriber.errors import ActionNeeded, Lost, RetryLater, TranscriberError
from transcriber.rpc import translated
from transcriber.tasks import end
from transcriber.voice import Command, Voice

log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0  # kurigram itself gives up on an unknown key only after 177 s (docs/telegram.md, fact 4)
CALL_TIMEOUT_S = 15.0
_RESYNC_S = 2.0  # by then the ping has found out, too, and a new session has learned Telegram's time
_MAY_SPEAK_S = 0.2  # between looks whether the right to speak is back
_SETTLE_S = 2.0  # a push for what GetState already counts may still be on its way

T = TypeVar("T")
Update = (raw.types.UpdateNewMessage, raw.types.UpdateNewChannelMessage)


class Listener(Protocol):
    """Who is told about messages. Both must return at once: kurigram's dispatcher has few workers."""

    async def on_voice(self, voice: Voice) -> None: ...
    async def on_command(self, command: Command) -> None: ...


class Telegram:
    """The owner's account. `hold` is the only code that connects; everything else waits for the session it keeps."""

    def __init__(
        self,
        session_file: Path,
        api_id: int,
        api_hash: str,
        *,
        sleep_threshold_s: int = 60,
        max_transmissions: int = 1,
        ping_interval_s: float = 30.0,
        ping_timeout_s: float = 10.0,
        may_speak: Callable[[], bool] = lambda: True,
    ) -> None:
        self._options = {
            "name": session_file.stem,
            "workdir": session_file.parent,
            "api_id": api_id,
            "api_hash": api_hash,
            "sleep_threshold": 0,  # while connecting a FloodWait is for the supervisor to wait out
            "max_concurrent_transmissions": max_transmissions,
            "skip_updates": True,  # our own catch-up reads the history instead (docs/telegram.md, facts 1 and 2)
            "workers": 2,
            "fetch_replies": False,
            "fetch_topics": False,
            "fetch_stories": False,
            "fetch_stickers": False,
        }
        self._sleep_threshold_s = sleep_threshold_s
        self._ping_interval_s = ping_interval_s
        self._ping_timeout_s = ping_timeout_s
        self._may_speak = may_speak
        self._client: Account | None = None
        self._online = asyncio.Event()
        self._left = False
        self._broken: asyncio.Future[NoReturn] | None = None
        self._pts = 0
        self._time_offset_s = 0.0
        self.gap = asyncio.Event()  # set when updates were missed: somebody should look through the history
        self.me = 0
        self.since: float | None = None  # Unix time of the last successful connect
        self.sessions = 0
        self.flood_waits_s: list[float] = []  # what Telegram has asked to wait

    @property
    def online(self) -> bool:
        """Whether there is a session right now."""
        return self._client is not None

    def leave(self) -> None:
        """No session will come any more: whoever waits for one gets Lost."""
        self._left = True
        self._online.set()

    async def hold(self, listener: Listener, closing: asyncio.Event, on_start: Callable[[], Awaitable[None]]) -> None:
        """Connect, call `on_start`, and keep the session until `closing` is set.

        Raises Lost, RetryLater (FloodWait), Refused or ActionNeeded when it ends in any other way.
        """
        broken = self._broken = asyncio.get_running_loop().create_future()
        client = Account(
            self._options, seen=self._note, lost=partial(_break, broken), time_offset_s=self._time_offset_s
        )
        client.add_handler(RawUpdateHandler(partial(self._on_update, listener)))
        ending = asyncio.create_task(closing.wait())
        session = asyncio.create_task(self._session(client, on_start))
        try:
            ends: list[asyncio.Future[Any]] = [session, ending, broken]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if broken.done():
                broken.result()
            if session.done():
                session.result()
        finally:
            self._online.clear()
            self._client, self._time_offset_s = None, client.time_offset_s
            _break(broken, Lost("network_error", error="Connection closed"))  # for the calls that still wait
            await end(session, ending)
            await client.close()

    async def call(self, query: Any, *, timeout_s: float = CALL_TIMEOUT_S, speaking: bool = False) -> Any:
        """Send one TL function, without kurigram's own retries, which would hide RANDOM_ID_DUPLICATE (fact 10).

        Waits for a session first, and for the right to speak if it says something. Raises RetryLater, Refused or Lost.
        """
        client = await self.client(speaking=speaking)
        result = await self.unless_broken(client.session.send(query, timeout=timeout_s))
        if isinstance(result, raw.types.BadMsgNotification):  # docs/telegram.md, fact 16: returned, not raised
            raise RetryLater("clock_skew", after_s=_RESYNC_S)
        with translated():
            await client.fetch_peers([*getattr(result, "users", []), *getattr(result, "chats", [])])
        self._note(result)
        return result

    async def client(self, *, speaking: bool = False) -> Account:
        """The client of the present session; waits until there is one (and, to speak, until this process may)."""
        while True:
            await self._online.wait()
            if self._client is not None and (self._may_speak() or not speaking):
                return self._client
            if self._left:
                raise Lost("network_error", error="Connection closed")
            await asyncio.sleep(_MAY_SPEAK_S)

    async def unless_broken(self, work: Awaitable[T]) -> T:
        """Do `work` with the present session, but end at once with Lost when the session breaks meanwhile.

        Raises like `call`.
        """
        broken = self._broken
        assert broken is not None
        task = asyncio.ensure_future(work)
        try:
            both: list[asyncio.Future[Any]] = [task, broken]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                broken.result()
            with translated(self.flood_waits_s.append):
                return task.result()
        except ActionNeeded as error:
            _break(broken, error)  # for the supervisor; the caller's own work is not to blame
            raise Lost(error.key) from error
        finally:
            await end(task)

    async def peer(self, chat_id: int | str) -> Any:
        """The InputPeer of a chat id or @name. Raises like `call`."""
        client = await self.client()
        with translated():
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return await client.resolve_peer(chat_id)

    async def _session(self, client: Account, on_start: Callable[[], Awaitable[None]]) -> NoReturn:
        """One session, from connecting to whatever ends it."""
        with translated(self.flood_waits_s.append):
            async with asyncio.timeout(START_TIMEOUT_S):
                await client.start()
                state = await client.invoke(raw.functions.updates.GetState())
        client.sleep_threshold = self._sleep_threshold_s
        self._pts, self.me = state.pts, client.me.id
        self._client, self.since = client, time.time()
        self.sessions += 1
        self._online.set()
        await on_start()
        await self._watch()

    async def _watch(self) -> NoReturn:
        """Ask for the update state every `ping_interval_s`: no answer or no updates means a dead session."""
        deaf = 0
        while True:
            await asyncio.sleep(self._ping_interval_s)
            try:
                state = await self.call(raw.functions.updates.GetState(), timeout_s=self._ping_timeout_s)
            except RetryLater as error:
                if error.key == "clock_skew":  # only a new session learns Telegram's time
                    raise Lost("clock_skew") from error
                log.debug("ping: %s", error)
                continue
            deaf = deaf + 1 if await self._is_behind(state.pts) else 0
            if deaf > 1:
                raise Lost("network_error", error="updates stopped")

    async def _is_behind(self, server_pts: int) -> bool:
        """Whether Telegram counts updates that never arrived; if so, ask for a look through the history."""
        if server_pts > self._pts:
            await asyncio.sleep(_SETTLE_S)
        if server_pts <= self._pts:
            return False
        self._pts = server_pts
        self.gap.set()
        return True

    def _note(self, updates: Any) -> None:
        """Keep the account's pts, from pushes and from the answers to our own calls."""
        if isinstance(updates, raw.types.UpdatesTooLong):
            self.gap.set()
        for update in getattr(updates, "updates", None) or [updates]:
            if isinstance(update, raw.types.UpdateChannelTooLong):
                self.gap.set()
            elif not isinstance(update, raw.types.updates.State) and not hasattr(update, "channel_id"):
                is_channel = isinstance(update, raw.types.UpdateNewChannelMessage | raw.types.UpdateEditChannelMessage)
                self._pts = max(self._pts, 0 if is_channel else getattr(update, "pts", None) or 0)

    async def _on_update(self, listener: Listener, _client: Account, update: Any, _users: Any, _chats: Any) -> None:
        if not isinstance(update, Update) or not isinstance(update.message, inbox.Message):
            return
        if command := inbox.command_of(update.message, self.me):
            await listener.on_command(command)
        elif voice := inbox.voice_of(update.message, self.me):
            await listener.on_voice(voice)


def _break(broken: asyncio.Future[NoReturn], error: TranscriberError) -> None:
    """End the session whose future this is; the first reason counts."""
    if not broken.done():
        broken.set_exception(error)
        broken.exception()  # retrieved: it may come after the session's end
