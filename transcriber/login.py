"""Signing in: phone, code and two-step password, or a QR code; writes the session file that the daemon uses."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from pyrogram import Client, raw
from pyrogram.errors import (
    AuthTokenExpired,
    BadRequest,
    PasswordHashInvalid,
    PhoneCodeEmpty,
    PhoneCodeExpired,
    PhoneCodeInvalid,
    PhoneNumberInvalid,
    PhoneNumberUnoccupied,
    RPCError,
    SessionPasswordNeeded,
)
from pyrogram.qrlogin import QRLogin
from pyrogram.types import User

from transcriber.client import Account
from transcriber.errors import ActionNeeded, RetryLater, TranscriberError
from transcriber.lease import file_lock
from transcriber.rpc import code_of, from_rpc
from transcriber.tasks import end
from transcriber.terminal import qr_drawing
from transcriber.texts import Words

Ask = Callable[[str, bool], Awaitable[str]]  # a question and whether the answer is secret
Show = Callable[[str], None]
T = TypeVar("T")
_WRONG = (PhoneNumberInvalid, PhoneCodeInvalid, PhoneCodeEmpty, PasswordHashInvalid)
_ENDED = ("session_revoked", "session_duplicated", "session_unknown")
_CONNECT_S = 60.0
_QR_LIFETIME_S = 30.0  # Telegram's; the date in the token would be wrong by as much as our clock is


class _Patient(Account):
    """An account that begins again when its connection breaks: a person takes minutes to find a code."""

    get_session = Client.get_session


class SignIn:
    """One attempt to sign in, talking to a person through `ask` and `show`."""

    def __init__(self, session_file: Path, api_id: int, api_hash: str, *, say: Words, ask: Ask, show: Show) -> None:
        self._file = session_file
        self._options = {
            "name": session_file.stem,
            "workdir": session_file.parent,
            "api_id": api_id,
            "api_hash": api_hash,
        }
        self._say = say
        self._ask = ask
        self._show = show

    async def run(self, *, qr: bool = False) -> None:
        """Sign in and keep the session. Raises ActionNeeded or Occupied with what stands against it."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with file_lock(self._file):
                await self._anew_if_ended(qr)
        except RPCError as error:
            raise _failure(error) from error
        except sqlite3.Error as error:
            raise ActionNeeded("session_unreadable", file=self._file, error=error) from error
        except (TimeoutError, ConnectionError) as error:
            raise ActionNeeded("login_no_answer") from error
        except EOFError as error:
            raise ActionNeeded("login_nobody") from error
        except OSError as error:
            reason = error.strerror or error
            raise ActionNeeded("folder_not_writable", folder=self._file.parent, error=reason) from error

    async def _anew_if_ended(self, qr: bool) -> None:
        """Sign in; where the file holds a session that Telegram has ended, put it away first."""
        try:
            await self._sign_in(qr)
        except (ActionNeeded, RPCError) as error:
            ended = from_rpc(error) if isinstance(error, RPCError) else error
            if not isinstance(ended, ActionNeeded) or ended.key not in _ENDED:
                raise
            self._show(self._say("login_anew"))
            self._file.unlink()
            await self._sign_in(qr)

    async def _sign_in(self, qr: bool) -> None:
        async with self._connected() as (client, is_authorized):
            if is_authorized:
                self._show(self._say("login_already", name=(await client.get_me()).full_name))
                return
            user = await (self._by_qr(client) if qr else self._by_phone(client))
            await client.storage.user_id(user.id)
            await client.storage.is_bot(False)
            await client.storage.save()
        self._show(self._say("login_done", name=user.full_name))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[Any, bool]]:
        """A client, and whether its session file is signed in already. A new file is private: the process's umask."""
        if self._file.exists():
            self._file.chmod(0o600)
        lost: asyncio.Queue[TranscriberError] = asyncio.Queue()
        client = _Patient(self._options, seen=lambda updates: None, lost=lost.put_nowait)
        connecting = asyncio.create_task(client.connect())
        losing = asyncio.create_task(lost.get())
        try:
            async with asyncio.timeout(_CONNECT_S):
                await asyncio.wait([connecting, losing], return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise losing.result()
            yield client, connecting.result()
        finally:
            await end(connecting, losing)
            await client.close()

    async def _by_phone(self, client: Any) -> User:
        async def send(phone: str) -> tuple[str, str]:
            return phone, (await client.send_code(phone)).phone_code_hash

        phone, code_hash = await self._until_right("login_phone", send)
        while True:
            try:
                return await self._by_code(client, phone, code_hash)
            except PhoneCodeExpired:
                _, code_hash = await send(phone)
                self._show(self._say("login_new_code"))

    async def _by_code(self, client: Any, phone: str, code_hash: str) -> User:
        try:
            signed = await self._until_right("login_code", lambda code: client.sign_in(phone, code_hash, code))
        except SessionPasswordNeeded:
            return await self._password(client)
        except PhoneNumberUnoccupied:
            signed = None
        if not isinstance(signed, User):  # also when Telegram offers to register the number
            raise ActionNeeded("login_no_account")
        return signed

    async def _by_qr(self, client: Any) -> User:
        token = QRLogin(client, [])
        while True:
            with suppress(TimeoutError, AuthTokenExpired):
                try:
                    await token.recreate()
                    if isinstance(token.r, raw.types.auth.LoginTokenSuccess):  # accepted, but the news of it was lost
                        return await User._parse(client, token.r.authorization.user)
                    self._show(f"{qr_drawing(token.url)}\n{self._say('login_qr')}")
                    return await token.wait(_QR_LIFETIME_S)
                except SessionPasswordNeeded:
                    return await self._password(client)

    async def _password(self, client: Any) -> User:
        user: User = await self._until_right("login_password", client.check_password, secret=True)
        return user

    async def _until_right(self, key: str, attempt: Callable[[str], Awaitable[T]], *, secret: bool = False) -> T:
        """Ask until Telegram takes the answer."""
        while True:
            answer = await self._ask(self._say(key), secret)
            try:
                return await attempt(answer if secret else answer.strip())  # a password may begin with a space
            except _WRONG as error:
                self._show(self._say("login_wrong", error=code_of(error)))


def _failure(error: RPCError) -> TranscriberError:
    ours = from_rpc(error)
    if isinstance(ours, ActionNeeded):
        return ours
    if isinstance(ours, RetryLater) and ours.after_s:
        return ActionNeeded("login_wait", minutes=-(-int(ours.after_s) // 60))
    return ActionNeeded("login_failed", error=code_of(error) if isinstance(error, BadRequest) else error)
