"""Waiting for a person to sign in: a container that ended instead would be started again for ever."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

from transcriber.errors import ActionNeeded
from transcriber.lease import Occupied, file_lock
from transcriber.preflight import session_present, signed_in_key
from transcriber.tasks import pause
from transcriber.texts import Words

log = logging.getLogger(__name__)

_LOOK_S = 1.0


async def patiently(start: Callable[[], Awaitable[int]], session_file: Path, say: Words, stop: asyncio.Event) -> int:
    """`start` the program, after a sign-in if there was none, and again after each that it asks for; its exit code.

    Between a start that raised ActionNeeded and the sign-in no connection is made.
    """
    refused, reason = None, session_present(say, session_file)
    while True:
        if reason:
            log.error(reason)
            log.info(say("waiting_for_sign_in"))
            await _until_signed_in(session_file, refused, reason, stop)
        if stop.is_set():
            log.info(say("stopped"))
            return 0
        try:
            return await start()
        except ActionNeeded as error:
            refused, reason = _key(session_file), say.error(error)


def waits_for(session_file: Path) -> str | None:
    """What the program that uses this session waits for, or None."""
    try:
        return _note(session_file).read_text("utf-8")
    except OSError:
        return None


async def _until_signed_in(session_file: Path, refused: bytes | None, reason: str, stop: asyncio.Event) -> None:
    """Wait until the file holds a whole session other than the refused one. Its lock is left to `login` meanwhile."""
    note = _note(session_file)
    note.write_text(reason, "utf-8")
    try:
        while not stop.is_set() and not _signed_in_anew(session_file, refused):
            await pause(_LOOK_S, stop)
    finally:
        note.unlink(missing_ok=True)


def _note(session_file: Path) -> Path:
    return session_file.with_suffix(".waiting")


def _signed_in_anew(session_file: Path, refused: bytes | None) -> bool:
    if _key(session_file) in (None, refused):
        return False
    try:
        with file_lock(session_file):
            return True
    except Occupied:  # `login` is still at it
        return False


def _key(session_file: Path) -> bytes | None:
    try:
        return signed_in_key(session_file)
    except (OSError, sqlite3.Error):
        return None
