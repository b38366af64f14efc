"""From a method's name to the function that answers it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from .tl import RpcError, method_name
from .world import Account, AuthKey, World

if TYPE_CHECKING:
    from .sessions import Session
    from .telegram import Telegram

log = logging.getLogger(__name__)


class CallRecord(NamedTuple):
    """A call that reached this Telegram, whatever became of it."""

    account_id: int | None
    method: str
    time: float


@dataclass
class Call:
    """One call on its way: what is asked, by whom, and where."""

    telegram: Telegram
    session: Session
    key: AuthKey
    query: Any

    @property
    def world(self) -> World:
        """What this Telegram knows."""
        return self.telegram.world

    @property
    def account(self) -> Account:
        """Who calls; an error when nobody has signed in with this key."""
        account = self.world.accounts.get(self.key.account_id or 0)
        if account is None:
            raise RpcError(401, "AUTH_KEY_UNREGISTERED")
        return account


class AnswerLostError(Exception):
    """The call was received, and no answer is to be sent."""

    def __init__(self, cut: bool) -> None:
        super().__init__()
        self.cut = cut


Handler = Callable[[Call, Any], Any]
HANDLERS: dict[str, Handler] = {}
READING = ("Get", "Search", "Resolve")  # names of methods that change nothing worth saving
OPEN_TO_STRANGERS = ("auth.", "help.", "langpack.", "account.GetPassword")


def method(*names: str) -> Callable[[Handler], Handler]:
    """Register the function that answers these methods."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return register


async def perform(call: Call) -> Any:
    """Answer one call; raises RpcError, or AnswerLostError when the answer is to be lost."""
    name = method_name(call.query)
    faults, account_id = call.telegram.faults, call.key.account_id
    call.telegram.record(CallRecord(account_id, name, call.telegram.now()))
    if rule := faults.take("delay", name, account_id):
        await asyncio.sleep(rule.seconds)
    _refuse_if_told_to(call, name)
    lost = faults.take("lose_answer", name, account_id)
    try:
        return _answer(call, name)
    finally:
        if lost is not None:
            raise AnswerLostError(lost.cut)


def _refuse_if_told_to(call: Call, name: str) -> None:
    if call.key.refusal is not None:
        raise RpcError(*call.key.refusal)
    if rule := call.telegram.faults.take("error", name, call.key.account_id):
        raise RpcError(rule.code, rule.message)
    if call.key.account_id is None and not name.startswith(OPEN_TO_STRANGERS):
        raise RpcError(401, "AUTH_KEY_UNREGISTERED")


def _answer(call: Call, name: str) -> Any:
    handler = HANDLERS.get(name)
    if handler is None:
        log.error("%s is not a method of this Telegram", name)
        call.telegram.unknown_methods.append(name)
        raise RpcError(400, "INPUT_METHOD_INVALID")
    result = handler(call, call.query)
    if not name.rpartition(".")[2].startswith(READING):
        call.telegram.touch()
    return result
