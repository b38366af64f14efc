"""Telegram's errors in our words: the one place where kurigram's exceptions are translated.

The facts cited by number are those of docs/telegram.md.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyrogram import errors

from transcriber.errors import ActionNeeded, Lost, Refused, RetryLater, TranscriberError

# What only a person can mend, by Telegram's own name for it (https://core.telegram.org/api/errors).
_ACTIONS = {
    "AUTH_KEY_UNREGISTERED": "session_revoked",
    "AUTH_KEY_INVALID": "session_revoked",
    "AUTH_KEY_PERM_EMPTY": "session_revoked",
    "SESSION_REVOKED": "session_revoked",
    "SESSION_EXPIRED": "session_revoked",
    "AUTH_KEY_DUPLICATED": "session_duplicated",
    "USER_DEACTIVATED": "account_deactivated",
    "USER_DEACTIVATED_BAN": "account_deactivated",
    "API_ID_INVALID": "api_id_invalid",
    "CONNECTION_API_ID_INVALID": "api_id_invalid",
    "API_ID_PUBLISHED_FLOOD": "api_id_invalid",
}
_UNKNOWN_WAIT_S = 60.0  # FloodWait may come without a number (fact 9)


_init = errors.RPCError.__init__


def _init_without_a_file(self: errors.RPCError, *values: Any, is_unknown: bool = False, **options: Any) -> None:
    _init(self, *values, **options)


# kurigram notes an error that it does not know in the current folder, and fails where that is read-only (fact 11).
errors.RPCError.__init__ = _init_without_a_file


def code_of(error: errors.RPCError) -> str:
    """Telegram's name for an error, like PEER_ID_INVALID, also when kurigram does not know it."""
    unknown = re.fullmatch(r"\[\d+ (.+)\]", str(error.value))
    return unknown[1] if unknown else str(error.ID or error.NAME or error.CODE)


def from_rpc(error: errors.RPCError) -> TranscriberError:
    """The error of ours that says what to do about `error`."""
    if isinstance(error, errors.FloodWait | errors.FloodPremiumWait):
        wait_s = float(error.value) if isinstance(error.value, int) else _UNKNOWN_WAIT_S
        return RetryLater("flood_wait", after_s=wait_s, seconds=int(wait_s))
    code = code_of(error)
    if code in _ACTIONS:
        return ActionNeeded(_ACTIONS[code])
    if isinstance(error, errors.InternalServerError | errors.ServiceUnavailable):
        return RetryLater("api_error", error=code)
    return Refused(code)


@contextmanager
def translated(on_flood: Callable[[float], None] = lambda wait_s: None) -> Iterator[None]:
    """Turn what kurigram raises into RetryLater, ActionNeeded, Refused or Lost; `on_flood` hears of each FloodWait."""
    try:
        yield
    except errors.RPCError as error:
        ours = from_rpc(error)
        if isinstance(ours, RetryLater) and ours.key == "flood_wait":
            on_flood(ours.after_s or 0.0)
        raise ours from error
    except (OSError, TimeoutError) as error:
        raise Lost("network_error", error=str(error) or type(error).__name__) from error
    except sqlite3.Error as error:  # kurigram keeps what it learns of people in the session file
        raise Lost("session_file_stuck", error=error) from error
