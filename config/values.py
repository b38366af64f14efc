"""How settings are written: a reader turns text from the environment into a value, or names what is wrong with it.

The sentence's values are chosen here, so that a secret can never slip into a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import LiteralString
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from transcriber.errors import Rejected
from transcriber.vocabulary import tidy

_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SHOWN_CHARS = 60


def _mistake(key: LiteralString, **values: object) -> PydanticCustomError:
    """The sentence `key` of texts.toml with `values`, as pydantic carries it."""
    return PydanticCustomError(key, key, {name: str(value)[:_SHOWN_CHARS] for name, value in values.items()})


def _quantity(text: str, units: dict[str, int]) -> float:
    """`text` as a number with a unit; ValueError if it is none."""
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]*)", text.strip(), re.ASCII)
    if match is None or match[2] not in units:
        raise ValueError(text)
    return float(match[1]) * units[match[2]]


def duration(low: str, high: str) -> BeforeValidator:
    """Seconds, or a number with s, m, h or d, from `low` to `high`."""

    def read(text: str) -> float:
        try:
            seconds = _quantity(text, _UNITS_S)
        except ValueError:
            seconds = -1.0
        if not _quantity(low, _UNITS_S) <= seconds <= _quantity(high, _UNITS_S):
            raise _mistake("setting_duration", value=text, low=low, high=high)
        return seconds

    return BeforeValidator(read)


def number(low: int, high: int) -> BeforeValidator:
    """A whole number from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text.strip(), re.ASCII) or not low <= int(text) <= high:
            raise _mistake("setting_number", value=text, low=low, high=high)
        return int(text)

    return BeforeValidator(read)


def decimal(low: int, high: int) -> BeforeValidator:
    """A number from `low` to `high`."""

    def read(text: str) -> float:
        try:
            value = _quantity(text, {"": 1})
        except ValueError:
            value = -1.0
        if not low <= value <= high:
            raise _mistake("setting_decimal", value=text, low=low, high=high)
        return value

    return BeforeValidator(read)


def choice(*choices: str, fold: Callable[[str], str] = str.lower) -> BeforeValidator:
    """One of `choices`; upper and lower case are folded first."""

    def read(text: str) -> str:
        if fold(text.strip()) not in choices:
            raise _mistake("setting_choice", value=text, choices=", ".join(choices))
        return fold(text.strip())

    return BeforeValidator(read)


def _size(text: str) -> int:
    try:
        return int(_quantity(text.upper(), _UNITS_BYTES))
    except ValueError:
        raise _mistake("setting_size", value=text) from None


def _pauses(text: str) -> tuple[float, ...]:
    try:
        pauses_s = tuple(_quantity(part, _UNITS_S) for part in text.split(","))
    except ValueError:
        raise _mistake("setting_pauses", value=text) from None
    return pauses_s


def _user(text: str) -> int | str | None:
    if re.fullmatch(r"[1-9][0-9]{0,18}", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"@?[A-Za-z][A-Za-z0-9_]{3,31}", text, re.ASCII):  # Telegram's own rule for names
        return "@" + text.removeprefix("@")
    return None


def _users(text: str) -> tuple[int | str, ...]:
    found = {part: _user(part) for part in re.split(r"[,;\s]+", text) if part}
    if wrong := [part for part, user in found.items() if user is None]:
        raise _mistake("setting_user", value=", ".join(wrong))
    return tuple(dict.fromkeys(user for user in found.values() if user is not None))


def _session_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", text, re.ASCII):
        raise _mistake("setting_session_name", value=text)
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z:._-]{1,253}", text.strip(), re.ASCII):
        raise _mistake("setting_host", value=text)
    return text.strip()


def _api_id(text: str) -> int:
    # The value is not shown: API_ID and API_HASH are easily swapped.
    if not re.fullmatch(r"[0-9]{1,10}", text.strip(), re.ASCII) or not 0 < int(text) < 2**31:
        raise _mistake("setting_api_id")
    return int(text)


def _api_hash(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{32}", text.strip(), re.ASCII):
        raise _mistake("setting_api_hash")
    return text.strip()


def _redis_url(text: str) -> str:
    try:
        url = urlsplit(text.strip())
        network = url.scheme in ("redis", "rediss") and bool(url.hostname) and url.port != 0
        database = unquote(url.path).lstrip("/")
        right = (network and (not database or database.isdecimal())) or (
            url.scheme == "unix" and url.path.startswith("/")
        )
    except ValueError:  # a port that is no number, brackets that do not close
        right = False
    if not right:
        raise _mistake("setting_redis_url")  # the value is not shown: it may hold a password
    return text.strip()


def _words(text: str) -> str:
    try:
        return tidy(text)
    except Rejected as error:
        raise _mistake("setting_words", **error.values) from None


def _folder(text: str) -> Path:
    return Path(text).expanduser()


size = BeforeValidator(_size)
pauses = BeforeValidator(_pauses)
users = BeforeValidator(_users)
session_name = BeforeValidator(_session_name)
host = BeforeValidator(_host)
api_id = BeforeValidator(_api_id)
api_hash = BeforeValidator(_api_hash)
redis_url = BeforeValidator(_redis_url)
folder = BeforeValidator(_folder)
words = BeforeValidator(_words)
