"""The control port: one JSON object per line, on 127.0.0.1.

Request `{"id": 1, "verb": "send_text", "arguments": {"sender": "alice_t", "to": "bob_t", "text": "hello"}}`,
answer `{"id": 1, "result": 2}` or `{"id": 1, "error": "…"}`. Accounts and chats are named by id or username.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from .telegram import Telegram
from .tl import RpcError
from .verbs import Verbs

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 64 * 1024 * 1024  # a file may come in base64


class ControlError(Exception):
    """What was asked of the control port could not be done."""


class ControlServer:
    """Answers requests one after the other, per connection."""

    def __init__(self, telegram: Telegram) -> None:
        self._verbs = Verbs(telegram)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 means any."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=MAX_LINE_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.close()
        await asyncio.gather(*(task for task in self._open.values() if task))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = asyncio.current_task()
        try:
            async for line in reader:
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            del self._open[writer]
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        number = None
        try:
            request = json.loads(line)
            number = request.get("id")
            result = await self._verbs.perform(request["verb"], request.get("arguments", {}))
        except RpcError as error:
            return {"id": number, "error": error.message}
        except Exception as error:  # whatever was asked, the next request must get its answer
            log.warning("control: %r", error)
            return {"id": number, "error": f"{type(error).__name__}: {error}"}
        return {"id": number, "result": result}


class Control:
    """A client of the control port: `await control.send_text(sender="alice_t", to="bob_t", text="hello")`.

    Every verb in `sandbox.verbs` is a method, with the arguments of the method of the same name of `Telegram` or
    `Faults`, by keyword; accounts and chats as ids or usernames, bytes and paths as they are.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._last_id = 0

    async def __aenter__(self) -> Control:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        if verb.startswith("_"):
            raise AttributeError(verb)

        async def perform(**arguments: Any) -> Any:
            return await self.perform(verb, arguments)

        return perform

    async def perform(self, verb: str, arguments: dict[str, Any]) -> Any:
        """Ask for one thing and wait for the answer."""
        async with self._one_at_a_time:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port, limit=MAX_LINE_BYTES)
            reader, writer = self._streams
            self._last_id += 1
            values = {name: _jsonable(value) for name, value in arguments.items()}
            writer.write(json.dumps({"id": self._last_id, "verb": verb, "arguments": values}).encode() + b"\n")
            await writer.drain()
            line = await reader.readline()
        if not line:
            raise ControlError("the sandbox hung up")
        answer = json.loads(line)
        if "error" in answer:
            raise ControlError(answer["error"])
        return answer["result"]

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            await self._streams[1].wait_closed()
            self._streams = None


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return str(value) if isinstance(value, Path) else value
