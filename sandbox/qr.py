"""Signing in by QR code: one client shows a token, another, signed in, accepts it."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .login import authorize, away_from_home
from .rpc import Call, method
from .tl import RpcError, types
from .world import Account

if TYPE_CHECKING:
    from .telegram import Telegram

LIFETIME_S = 30
URL = "tg://login?token="


@dataclass
class LoginToken:
    """A token on somebody's screen."""

    key_id: bytes
    expires: int
    account_id: int | None = None


@method("auth.ExportLoginToken")
def export_login_token(call: Call, query: Any) -> Any:
    """A token to show, or, once one was accepted, the sign-in itself."""
    tokens = call.telegram.login_tokens
    accepted = next((k for k, t in tokens.items() if t.key_id == call.key.id and t.account_id), None)
    if accepted is not None and away_from_home(call):
        return types.auth.LoginTokenMigrateTo(dc_id=call.telegram.dc_id, token=accepted)
    if accepted is not None:
        return types.auth.LoginTokenSuccess(authorization=_sign_in(call, accepted))
    data, expires = os.urandom(16), call.telegram.date() + LIFETIME_S
    tokens[data] = LoginToken(call.key.id, expires)
    return types.auth.LoginToken(expires=expires, token=data)


@method("auth.ImportLoginToken")
def import_login_token(call: Call, query: Any) -> Any:
    """Sign in with an accepted token, at our data centre after being sent there."""
    return types.auth.LoginTokenSuccess(authorization=_sign_in(call, query.token))


@method("auth.AcceptLoginToken")
def accept_login_token(call: Call, query: Any) -> Any:
    """What a signed-in client calls after scanning the code."""
    accept(call.telegram, call.account, query.token)
    now = call.telegram.date()
    texts = dict.fromkeys(("device_model", "platform", "system_version", "app_name", "app_version"), "sandbox")
    return types.Authorization(
        hash=1, api_id=1, date_created=now, date_active=now, ip="127.0.0.1", country="", region="", **texts
    )


def accept(telegram: Telegram, account: Account, token: bytes | str) -> None:
    """Accept a token, given as bytes or as the URL inside the QR code."""
    if isinstance(token, str):
        token = base64.urlsafe_b64decode(token.removeprefix(URL))
    known = telegram.login_tokens.get(token)
    if known is None:
        raise RpcError(400, "AUTH_TOKEN_INVALID")
    if known.expires < telegram.date():
        raise RpcError(400, "AUTH_TOKEN_EXPIRED")
    if known.account_id is not None:
        raise RpcError(400, "AUTH_TOKEN_ALREADY_ACCEPTED")
    known.account_id = account.id
    telegram.sessions.push_to_key(known.key_id, types.UpdateLoginToken())


def _sign_in(call: Call, data: bytes) -> Any:
    token = call.telegram.login_tokens.pop(data, None)
    if token is None or token.account_id is None:
        raise RpcError(400, "AUTH_TOKEN_INVALID")
    return authorize(call, call.world.accounts[token.account_id])
