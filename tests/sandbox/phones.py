"""A phone in somebody's hand: an ordinary kurigram client, and patience."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from pyrogram.handlers import RawUpdateHandler


class Phone:
    """A client of an account that keeps every update it gets."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.updates: list[Any] = []
        client.add_handler(RawUpdateHandler(self._keep), group=-1)

    async def _keep(self, client: Any, update: Any, users: Any, chats: Any) -> None:
        self.updates.append(update)

    def got(self, kind: Any) -> list[Any]:
        """The updates of one kind, oldest first."""
        return [update for update in self.updates if isinstance(update, kind)]

    def texts(self) -> list[str]:
        """The texts of new messages, oldest first."""
        return [u.message.message for u in self.updates if type(u).__name__.startswith("UpdateNew")]


Connect = Callable[..., Awaitable[Phone]]


async def wait_until(condition: Callable[[], Any], timeout_s: float = 8) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # any condition, not only those with an event
            await asyncio.sleep(0.01)


def named(data: bytes, name: str) -> BytesIO:
    """Bytes that kurigram uploads as a file of this name."""
    file = BytesIO(data)
    file.name = name
    return file
