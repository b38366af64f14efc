"""The listening socket and the connections accepted on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], "Connection"]


class Listener:
    """A socket that can be closed for a while without ending the connections."""

    def __init__(self, accept: Accept) -> None:
        self._accept = accept
        self._server: asyncio.Server | None = None
        self._reopening: asyncio.Task[None] | None = None
        self._serving: dict[Connection, asyncio.Task[None] | None] = {}
        self._host = ""
        self.port = 0

    async def open(self, port: int, host: str) -> None:
        """Listen; port 0 means any."""
        self._host = host
        self._server = await asyncio.start_server(self._serve, host, port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self, seconds: float) -> None:
        """Stop listening and begin again after this time."""
        self._close_socket()
        self._reopen_in(seconds)

    def reopen(self) -> None:
        """Listen again now, if the socket is closed."""
        if self._server is None:
            self._reopen_in(0)

    def cut(self, account_id: int | None) -> None:
        """Break the connections of one account, or all."""
        for connection in list(self._serving):
            if account_id in (None, connection.account_id):
                connection.cut()

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._reopening is not None:
            self._reopening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reopening
        self._close_socket()
        self.cut(None)
        await asyncio.gather(*(task for task in self._serving.values() if task))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self._accept(reader, writer)
        self._serving[connection] = asyncio.current_task()
        try:
            await connection.run()
        finally:
            del self._serving[connection]

    def _close_socket(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _reopen_in(self, seconds: float) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
        self._reopening = asyncio.create_task(self._reopen(seconds))

    async def _reopen(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.open(self.port, self._host)
