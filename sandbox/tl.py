"""The few places where kurigram's TL types, made for a client, need a hand to serve a server."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from pyrogram import raw
from pyrogram.raw.core import BoolFalse, BoolTrue, TLObject, Vector

# kurigram's types have no annotations mypy could use
functions: Any = raw.functions
types: Any = raw.types


class RpcError(Exception):
    """An error as Telegram answers it: `RpcError(400, "PEER_ID_INVALID")`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


class VectorResult:
    """A bare vector as the result of a call; kurigram's own Vector is bytes already and cannot be nested."""

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = list(items)

    def write(self) -> bytes:
        """The vector in TL."""
        return bytes(Vector(self.items))


class BoolResult:
    """Bool as the result of a call."""

    def __init__(self, value: bool = True) -> None:
        self.value = value

    def write(self) -> bytes:
        """The Bool in TL."""
        return bytes(BoolTrue() if self.value else BoolFalse())


def objects(vector: Iterable[Any]) -> list[Any]:
    """Undo kurigram's reading of 4- and 8-byte objects (inputUserSelf, inputMessageID) as plain numbers."""
    return [_object(item) if isinstance(item, int) else item for item in vector]


def _object(number: int) -> Any:
    size = 4 if -(2**31) <= number < 2**31 else 8
    return TLObject.read(BytesIO(number.to_bytes(size, "little", signed=True)))


def method_name(query: Any) -> str:
    """The name Telegram's documentation uses: `messages.SendMessage`."""
    return str(query.QUALNAME).removeprefix("functions.").removeprefix("types.")


def unwrap(query: Any) -> tuple[Any, bool]:
    """The call inside InvokeWithLayer, InitConnection and the like, and whether it came in InvokeWithoutUpdates."""
    silent = False
    while isinstance(getattr(query, "query", None), TLObject):
        silent = silent or isinstance(query, functions.InvokeWithoutUpdates)
        query = query.query
    return query, silent


def utf16_length(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2
