"""The server itself: its life, its clock, its record of calls, and its state on disk."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from . import dialogs, groups, login, messages, password, qr, reading, settings, updates
from . import state as state_file
from .connection import Connection
from .faults import Faults
from .listener import Listener
from .rpc import CallRecord
from .sessions import Sessions
from .world import Account

if TYPE_CHECKING:
    from .telegram import Telegram

# modules imported for the methods they register
METHODS = (dialogs, groups, login, messages, password, qr, reading, settings, updates)

SAVE_DELAY_S = 0.5
SAVE_SHARE = 0.05  # of the time may go into saving, however much there is to save


class Server:
    """What runs; `Telegram` adds what one can do to it without a client."""

    host = "127.0.0.1"
    """Where it listens, and where sessions lead; to be chosen before it starts, when clients are in containers."""
    login_code = "22222"
    code_type = "app"
    """How login codes are said to be sent: "app" or "sms"."""
    difference_page = 100
    """How many events one answer of getDifference holds at most."""
    too_long_after: int | None = None
    """From how many missed events on getDifference says only that there are too many."""
    file_reference_lifetime_s: float | None = None
    """How long a file reference is good; None: until `faults.expire_file_references()`."""
    resend = False
    """Whether a session that comes back gets the updates it missed; Telegram does so only sometimes."""

    def __init__(self, state: Path | None = None) -> None:
        self._telegram = cast("Telegram", self)  # the only class made of this one
        self._state = state
        self._pending_save: asyncio.TimerHandle | None = None
        self._last_save_s: float = 0
        self._in_flight: set[asyncio.Task[None]] = set()
        self._listener = Listener(lambda reader, writer: Connection(self._telegram, reader, writer))
        self.world = state_file.load(state)
        self.sessions = Sessions(self._telegram)
        self.faults = Faults(self._telegram)
        self.calls: list[CallRecord] = []
        self.unknown_methods: list[str] = []
        self.salt = int.from_bytes(os.urandom(8), "little", signed=True)
        self.uploads: dict[tuple[int, int], dict[int, bytes]] = {}
        self.migrations: dict[str, bytes] = {}
        self.login_tokens: dict[bytes, qr.LoginToken] = {}
        self.password_proofs: dict[int, tuple[int, int, int, int]] = {}

    @property
    def port(self) -> int:
        """Where clients connect."""
        return self._listener.port

    @property
    def dc_id(self) -> int:
        """Our data centre, to be chosen before the first session.

        New clients begin at 2; with another number a sign-in is first sent here (PHONE_MIGRATE), after which the
        client's session file holds our address.
        """
        return self.world.dc_id

    @dc_id.setter
    def dc_id(self, dc_id: int) -> None:
        self.world.dc_id = dc_id

    async def start(self, port: int = 0) -> None:
        """Listen: on this port, or on the one in the saved state, or on any."""
        await self._listener.open(port or self.world.port, self.host)
        self.world.port = self.port

    async def stop(self) -> None:
        """End every connection and save."""
        await self._listener.stop()
        for task in self._in_flight:
            task.cancel()
        self.save()

    async def restart(self, seconds: float = 0) -> None:
        """Go down, forget everything that is not saved, and come back on the same port."""
        await self.stop()
        await asyncio.sleep(seconds)
        if self._state is not None:
            self.world = state_file.load(self._state)
        self.sessions = Sessions(self._telegram)
        self.salt = int.from_bytes(os.urandom(8), "little", signed=True)
        self.uploads.clear()
        await self.start()

    async def __aenter__(self) -> Telegram:
        await self.start()
        return self._telegram

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Perform a call; like the real one we finish it even if the connection breaks meanwhile."""
        task = asyncio.create_task(work)
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    def touch(self) -> None:
        """Something changed: save soon, if there is anything to save to and we are up."""
        if self._state is not None and self._pending_save is None and self.port:
            delay_s = max(SAVE_DELAY_S, self._last_save_s / SAVE_SHARE)
            self._pending_save = asyncio.get_running_loop().call_later(delay_s, self.save)

    def save(self) -> None:
        """Write the state file, if there is to be one."""
        if self._pending_save is not None:
            self._pending_save.cancel()
            self._pending_save = None
        if self._state is not None:
            before = time.monotonic()
            state_file.save(self.world, self._state)
            self._last_save_s = time.monotonic() - before

    def close_listener(self, seconds: float) -> None:
        """Refuse connections for a while."""
        self._listener.close(seconds)

    def reopen_listener(self) -> None:
        """Accept connections again."""
        self._listener.reopen()

    def cut_connections(self, account_id: int | None) -> None:
        """Break the connections of one account, or all."""
        self._listener.cut(account_id)

    def connected(self, account: Account) -> bool:
        """Whether any client of this account listens to updates now."""
        return self.sessions.listening(account.id)

    def now(self, account_id: int | None = None) -> float:
        """The server's clock, which a fault may have shifted, for everybody or for one account."""
        shift = self.faults.take("clock", account_id=account_id)
        return time.time() + (shift.seconds if shift else 0)

    def date(self) -> int:
        """The server's clock in whole seconds, as messages carry it."""
        return int(self.now())

    def record(self, call: CallRecord) -> None:
        """Note a call."""
        self.calls.append(call)

    def call_count(self, method: str, account: Account | None = None) -> int:
        """How often a method was called."""
        return sum(c.method == method and (account is None or c.account_id == account.id) for c in self.calls)
