"""What the control port can ask for, in plain JSON values: the verbs of `Telegram` and its `faults`."""

from __future__ import annotations

import asyncio
import base64
import inspect
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from .telegram import Telegram
from .world import Account, Chat

ON_TELEGRAM = [
    "add_account",
    "add_group",
    "add_supergroup",
    "add_member",
    "remove_member",
    "write_session",
    "send_text",
    "send_voice",
    "send_video_note",
    "send_audio",
    "send_video",
    "send_file",
    "edit",
    "delete",
    "react",
    "messages",
    "accept_login_token",
    "call_count",
    "restart",
]
ON_FAULTS = [
    "error",
    "flood",
    "delay",
    "lose_answer",
    "cut",
    "refuse",
    "black_hole",
    "swallow_updates",
    "truncate_files",
    "stall_downloads",
    "expire_file_references",
    "revoke",
    "forget_key",
    "clock_offset",
    "clear",
]
SETTINGS = (
    "login_code",
    "code_type",
    "dc_id",
    "difference_page",
    "too_long_after",
    "file_reference_lifetime_s",
    "resend",
)
ACCOUNTS = ("account", "sender", "viewer")
PEERS = ("to", "peer", "chat")
PATHS = ("path",)


class Verbs:
    """Looks up accounts and chats by id or username, calls, and puts the result into JSON values."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._table: dict[str, Callable[..., Any]] = {name: getattr(telegram, name) for name in ON_TELEGRAM}
        self._table |= {name: getattr(telegram.faults, name) for name in ON_FAULTS}
        own = (self.accounts, self.chats, self.calls, self.counts, self.unknown_methods, self.settings, self.ping)
        self._table |= {function.__name__: function for function in own}

    async def perform(self, verb: str, arguments: dict[str, Any]) -> Any:
        """Do one thing; raises KeyError for a verb, account or chat that does not exist."""
        if verb not in self._table:
            raise KeyError(f"no such verb: {verb}")
        values = {name: await self._value(name, value) for name, value in arguments.items()}
        result = self._table[verb](**values)
        return _plain(await result if inspect.isawaitable(result) else result)

    def accounts(self) -> list[Any]:
        """Every account."""
        return [_plain(account) for account in self._telegram.world.accounts.values()]

    def chats(self) -> list[Any]:
        """Every group and supergroup."""
        return [_plain(chat) for chat in self._telegram.world.chats.values()]

    def calls(self, since: int = 0, account: Account | None = None) -> list[Any]:
        """The calls received, as [account id, method, time], from a position on."""
        return [list(c) for c in self._telegram.calls[since:] if account is None or c.account_id == account.id]

    def counts(self, account: Account | None = None) -> dict[str, int]:
        """How often each method was called."""
        methods = [c.method for c in self._telegram.calls if account is None or c.account_id == account.id]
        return {method: methods.count(method) for method in sorted(set(methods))}

    def unknown_methods(self) -> list[str]:
        """Methods that were called and do not exist here."""
        return self._telegram.unknown_methods

    def settings(self, **values: Any) -> None:
        """Change the settings of the server."""
        for name, value in values.items():
            if name not in SETTINGS:
                raise KeyError(f"no such setting: {name}")
            setattr(self._telegram, name, value)

    def ping(self) -> str:
        """Whether anybody is there."""
        return "pong"

    async def _value(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in ACCOUNTS:
            return self._account(value)
        if name in PEERS:
            return self._peer(value)
        if name == "members":
            return [self._account(member) for member in value]
        if name == "knows":
            return [self._peer(peer) for peer in value]
        if name == "data":
            return await _bytes(value)
        return Path(value) if name in PATHS else value

    def _account(self, value: int | str) -> Account:
        peer = self._peer(value)
        if not isinstance(peer, Account):
            raise KeyError(f"no such account: {value}")
        return peer

    def _peer(self, value: int | str) -> Account | Chat:
        world = self._telegram.world
        peer = world.peer(value) if isinstance(value, int) else world.by_username(value)
        if peer is None:
            raise KeyError(f"no such account or chat: {value}")
        return peer


async def _bytes(value: dict[str, str]) -> bytes:
    """File content: {"base64": …}, or {"path": …} of a file this process can read."""
    if "path" in value:
        return await asyncio.to_thread(Path(value["path"]).read_bytes)
    return base64.b64decode(value["base64"])


def _plain(value: Any) -> Any:
    if isinstance(value, Account):
        return {"id": value.id, "first_name": value.first_name, "username": value.username, "phone": value.phone}
    if isinstance(value, Chat):
        return {"chat_id": value.chat_id, "title": value.title, "members": list(value.members)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
