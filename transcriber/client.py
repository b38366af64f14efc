"""kurigram's client as this program uses it: it never prompts, never restarts in silence, and always closes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from pyrogram import Client
from pyrogram.connection import Connection
from pyrogram.errors import RPCError
from pyrogram.session import Session

from transcriber.errors import ActionNeeded, Lost, TranscriberError
from transcriber.rpc import from_rpc

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 1.5  # stop() of a sick client can hang (docs/telegram.md, fact 3)


Report = Callable[[TranscriberError], None]


class _WatchedConnection(Connection):  # type: ignore[misc]  # kurigram ships no types
    """kurigram's connection, which also says what happened to it; the library itself only logs it."""

    def __init__(self, *, lost: Report, **options: Any) -> None:
        super().__init__(**options)
        self._lost: Report = (lambda error: None) if options.get("media") else lost

    async def connect(self) -> None:
        try:
            await super().connect()
        except OSError:
            self._lost(Lost("network_error", error="Connection refused"))
            raise

    async def recv(self) -> bytes | None:
        packet: bytes | None = await super().recv()
        if packet is None:
            self._lost(Lost("network_error", error="Connection lost"))
        elif len(packet) == 4:  # a transport error; -404 is a key that Telegram does not know
            code = -int.from_bytes(packet, "little", signed=True)
            unknown_key = ActionNeeded("session_unknown")
            self._lost(unknown_key if code == 404 else Lost("network_error", error=f"transport error {code}"))
        return packet

    async def close(self) -> None:
        self._lost = lambda error: None  # hanging up ourselves is no loss
        await super().close()


class _MainSession(Session):  # type: ignore[misc]  # kurigram ships no types
    """The session that hears updates. It never begins again by itself: that would miss updates without a word."""

    def __init__(self, *arguments: Any, lost: Report) -> None:
        super().__init__(*arguments)
        self._lost = lost

    async def restart(self) -> None:
        self._lost(Lost("network_error", error="Connection lost"))

    async def send(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().send(*arguments, **options)
        except RPCError as error:  # also what kurigram would go on trying for ever, like a wrong API id
            reason = from_rpc(error)
            if isinstance(reason, ActionNeeded) or not self.is_started.is_set():
                self._lost(reason)
            raise


class Account(Client):  # type: ignore[misc]  # kurigram ships no types
    """One session. `seen` gets every batch of updates, `lost` the reason when the main connection breaks."""

    def __init__(
        self,
        options: dict[str, Any],
        *,
        seen: Callable[[Any], None],
        lost: Report,
        time_offset_s: float = 0.0,
    ) -> None:
        super().__init__(**options, connection_factory=partial(_WatchedConnection, lost=lost))
        self._seen = seen
        self._lost = lost
        # kurigram's own attribute. When our clock is ahead its sessions cannot start (ids of messages must grow),
        # unless they know Telegram's time beforehand: what an earlier attempt learned.
        self._server_time_offset = time_offset_s

    @property
    def time_offset_s(self) -> float:
        """How far Telegram's clock is ahead of ours, as far as it has said."""
        return self._server_time_offset

    async def authorize(self) -> NoReturn:
        raise ActionNeeded("session_missing", file=f"{self.name}.session")

    async def get_session(self, dc_id: int | None = None, **options: Any) -> Any:
        if dc_id is not None or not options.get("temporary"):  # only `connect` asks for the main one, like this
            return await super().get_session(dc_id, **options)
        storage, address = self.storage, (options["server_address"], options["port"])
        key, test_mode = await storage.auth_key(), await storage.test_mode()
        session = _MainSession(self, await storage.dc_id(), *address, key, test_mode, lost=self._lost)
        await session.start()
        return session

    async def handle_updates(self, updates: Any) -> None:
        await super().handle_updates(updates)
        self._seen(updates)

    async def close(self) -> None:
        """Close whatever can be closed; a sick client neither hangs nor raises."""
        steps = [self.stop] if self.is_initialized else []
        steps += [session.stop for session in (*self.media_sessions.values(), self.session) if session is not None]
        for step in (*steps, self.storage.close):
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await step()
            except Exception as error:
                log.debug("closing the session: %r", error)
        self.executor.shutdown(wait=False)
