"""Signing in with a phone number and a code, and signing out."""

from __future__ import annotations

from typing import Any

from . import render
from .rpc import Call, method
from .settings import FIRST_DC
from .tl import RpcError, types
from .world import Account

CODE_LENGTH = 5


@method("auth.SendCode", "auth.ResendCode")
def send_code(call: Call, query: Any) -> Any:
    """Pretend to send a code; it is always `telegram.login_code`."""
    digits = "".join(filter(str.isdigit, query.phone_number))
    if not 5 <= len(digits) <= 15:
        raise RpcError(400, "PHONE_NUMBER_INVALID")
    _send_to_home(call, digits)
    by_app = call.telegram.code_type == "app" and call.world.by_phone(digits) is not None
    kind = types.auth.SentCodeTypeApp if by_app else types.auth.SentCodeTypeSms
    return types.auth.SentCode(type=kind(length=CODE_LENGTH), phone_code_hash=_code_hash(digits), timeout=60)


@method("auth.SignIn")
def sign_in(call: Call, query: Any) -> Any:
    """Sign in with the code, unless a password is wanted as well."""
    _check_code(call, query.phone_number, query.phone_code_hash, query.phone_code)
    account = call.world.by_phone(query.phone_number)
    if account is None:
        return types.auth.AuthorizationSignUpRequired()
    return authorize(call, account)


@method("auth.SignUp")
def sign_up(call: Call, query: Any) -> Any:
    """Open an account for a phone number that has none."""
    if query.phone_code_hash != _code_hash(query.phone_number):
        raise RpcError(400, "PHONE_CODE_EXPIRED")
    if call.world.by_phone(query.phone_number) is not None:
        raise RpcError(400, "PHONE_NUMBER_OCCUPIED")
    return authorize(call, call.telegram.add_account(query.first_name, phone=query.phone_number))


@method("auth.LogOut")
def log_out(call: Call, query: Any) -> Any:
    """Sign out; the key stays, for signing in again."""
    call.key.account_id = None
    return types.auth.LoggedOut()


def authorize(call: Call, account: Account) -> Any:
    """Give the caller's key to an account, or ask for its password first."""
    if account.password is not None:
        call.key.awaiting_password_id = account.id
        raise RpcError(401, "SESSION_PASSWORD_NEEDED")
    return admit(call, account)


def admit(call: Call, account: Account) -> Any:
    """Give the caller's key to an account."""
    call.key.account_id, call.key.awaiting_password_id = account.id, None
    return types.auth.Authorization(user=render.tl_user(call.world, account, account))


def away_from_home(call: Call) -> bool:
    """Whether this client may still believe that we are the data centre where all begin."""
    return call.telegram.dc_id != FIRST_DC and not call.key.at_home


def _send_to_home(call: Call, phone: str) -> None:
    """Let a new client move to our data centre: the first key that asks is still at the place where all begin."""
    if away_from_home(call) and call.telegram.migrations.setdefault(phone, call.key.id) == call.key.id:
        raise RpcError(303, f"PHONE_MIGRATE_{call.telegram.dc_id}")


def _check_code(call: Call, phone: str, code_hash: str, code: str | None) -> None:
    if code_hash != _code_hash(phone):
        raise RpcError(400, "PHONE_CODE_EXPIRED")
    if not code:
        raise RpcError(400, "PHONE_CODE_EMPTY")
    if code != call.telegram.login_code:
        raise RpcError(400, "PHONE_CODE_INVALID")


def _code_hash(phone: str) -> str:
    return "sandbox-" + "".join(filter(str.isdigit, phone))
