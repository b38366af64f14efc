"""An ordinary Telegram client in somebody's hand: plain kurigram over a real socket, nothing of ours in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pyrogram import Client, raw
from pyrogram.handlers import RawUpdateHandler

from sandbox import Account, Chat, Telegram


@dataclass(frozen=True)
class Arrival:
    """A message that reached the phone; `at_s` is on the clock of time.perf_counter."""

    message_id: int
    reply_to: int
    text: str
    folded: bool
    edited: bool
    at_s: float


class Phone:
    """Signed in as `account`; everything that arrives is kept. `async with` it."""

    def __init__(self, telegram: Telegram, account: Account, folder: Path, knows: Iterable[Account | Chat]) -> None:
        name = f"phone{account.id}"
        telegram.write_session(account, folder / f"{name}.session", knows=knows)
        self._client: Any = Client(name, workdir=folder, workers=1)
        self._client.add_handler(RawUpdateHandler(self._on_update))
        self._arrivals: list[Arrival] = []
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self._client.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.stop()

    async def send_voice(self, to: Account, file: Path, duration_s: float) -> int:
        """Record and send, as a thumb on the microphone would; the id of the message."""
        message = await self._client.send_voice(to.id, str(file), duration=round(duration_s))
        return int(message.id)

    async def send_text(self, to: Account | str, text: str) -> int:
        """Write a message; its id. `to` may be "me", which is Saved Messages."""
        message = await self._client.send_message(to if isinstance(to, str) else to.id, text)
        return int(message.id)

    async def reply(self, message_id: int, patience_s: float) -> Arrival:
        """The reply to a message; TimeoutError when none comes."""
        return await self._first(lambda arrival: arrival.reply_to == message_id, patience_s)

    async def edit(self, message_id: int, patience_s: float) -> Arrival:
        """What a message was edited into; TimeoutError when it was not."""
        return await self._first(lambda arrival: arrival.edited and arrival.message_id == message_id, patience_s)

    async def _first(self, matches: Callable[[Arrival], bool], patience_s: float) -> Arrival:
        async with asyncio.timeout(patience_s), self._news:
            await self._news.wait_for(lambda: any(map(matches, self._arrivals)))
        return next(filter(matches, self._arrivals))

    async def _on_update(self, _client: Any, update: Any, _users: Any, _chats: Any) -> None:
        at_s = time.perf_counter()
        if not isinstance(update, raw.types.UpdateNewMessage | raw.types.UpdateEditMessage):
            return
        message = update.message
        folded = any(isinstance(entity, raw.types.MessageEntityBlockquote) for entity in message.entities or [])
        reply_to = getattr(message.reply_to, "reply_to_msg_id", None) or 0
        edited = isinstance(update, raw.types.UpdateEditMessage)
        async with self._news:
            self._arrivals.append(Arrival(message.id, reply_to, message.message, folded, edited, at_s))
            self._news.notify_all()
