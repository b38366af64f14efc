"""Signing in: phone, code and two-step password, or a QR code; writes the session file that the daemon uses."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from pyrogram import Client
from pyrogram.errors import (
    AuthTokenExpired,
    BadRequest,
    FloodWait,
    PasswordHashInvalid,
    PhoneCodeEmpty,
    PhoneCodeExpired,
    PhoneCodeInvalid,
    PhoneNumberInvalid,
    RPCError,
    SessionPasswordNeeded,
)
from pyrogram.qrlogin import QRLogin
from pyrogram.types import User
from qrcode.main import QRCode

from transcriber.errors import ActionNeeded, TranscriberError
from transcriber.rpc import code_of, from_rpc
from transcriber.texts import Words

Ask = Callable[[str, bool], str]  # a question and whether the answer is secret; blocks
Show = Callable[[str], None]
T = TypeVar("T")
_WRONG = (PhoneNumberInvalid, PhoneCodeInvalid, PhoneCodeEmpty, PhoneCodeExpired, PasswordHashInvalid)
_LIMIT_S = 60.0  # for connecting


class SignIn:
    """One attempt to sign in, talking to a person through `ask` and `show`."""

    def __init__(self, session_file: Path, api_id: int, api_hash: str, *, say: Words, ask: Ask, show: Show) -> None:
        self._file = session_file
        self._client: Any = Client(
            session_file.stem, workdir=session_file.parent, api_id=api_id, api_hash=api_hash, no_updates=None
        )
        self._say = say
        self._ask = ask
        self._show = show

    async def run(self, *, qr: bool = False) -> None:
        """Sign in and keep the session. Raises ActionNeeded with what Telegram said against it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))  # private before there is a key in it
        self._file.chmod(0o600)
        try:
            async with asyncio.timeout(_LIMIT_S):
                is_authorized = await self._client.connect()
            await self._who(is_authorized, qr=qr)
        except RPCError as error:
            raise _failure(error) from error
        except (OSError, TimeoutError) as error:
            raise ActionNeeded("login_failed", error=str(error) or type(error).__name__) from error
        finally:
            if self._client.is_connected:
                await self._client.disconnect()

    async def _who(self, is_authorized: bool, *, qr: bool) -> None:
        if is_authorized:
            self._show(self._say("login_already", name=(await self._client.get_me()).full_name))
            return
        user = await (self._by_qr() if qr else self._by_phone())
        await self._client.storage.user_id(user.id)
        await self._client.storage.is_bot(False)
        await self._client.storage.save()
        self._show(self._say("login_done", name=user.full_name))

    async def _by_phone(self) -> User:
        async def send(phone: str) -> tuple[str, Any]:
            return phone, await self._client.send_code(phone)

        phone, sent = await self._until_right("login_phone", send)
        try:
            signed = await self._until_right(
                "login_code", lambda code: self._client.sign_in(phone, sent.phone_code_hash, code)
            )
        except SessionPasswordNeeded:
            return await self._password()
        if not isinstance(signed, User):
            raise ActionNeeded("login_no_account")
        return signed

    async def _by_qr(self) -> User:
        token = QRLogin(self._client, [])
        await token.recreate()
        while True:
            self._show(f"{_drawing(token.url)}\n{self._say('login_qr')}")
            try:
                if user := await token.wait():
                    return user
            except SessionPasswordNeeded:
                return await self._password()
            except (TimeoutError, AuthTokenExpired):
                await token.recreate()

    async def _password(self) -> User:
        user: User = await self._until_right("login_password", self._client.check_password, secret=True)
        return user

    async def _until_right(self, key: str, attempt: Callable[[str], Awaitable[T]], *, secret: bool = False) -> T:
        """Ask until Telegram takes the answer."""
        while True:
            answer = await asyncio.to_thread(self._ask, self._say(key), secret)
            try:
                return await attempt(answer.strip())
            except _WRONG as error:
                self._show(self._say("login_wrong", error=code_of(error)))


def _failure(error: RPCError) -> TranscriberError:
    ours = from_rpc(error)
    if isinstance(ours, ActionNeeded):
        return ours
    seconds = error.value if isinstance(error, FloodWait) else ""
    reason = f"{code_of(error)} {seconds}".strip() if isinstance(error, FloodWait | BadRequest) else str(error)
    return ActionNeeded("login_failed", error=reason)


def _drawing(url: str) -> str:
    """The QR code in block characters, two rows of modules to a line."""
    code = QRCode(border=2)
    code.add_data(url)
    rows = code.get_matrix()
    rows = rows if len(rows) % 2 == 0 else [*rows, [False] * len(rows[0])]
    glyph = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(glyph[top, bottom] for top, bottom in zip(*pair, strict=True)) for pair in pairs)
