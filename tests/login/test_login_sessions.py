"""Session files that are there already, or are not: for a login and for a run."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from sandbox import Account, Telegram
from tests.login.person import Login, ended_without_a_traceback, sign_in
from tests.stage import ROOT, ForkedDaemon
from tests.terminal import Terminal


async def test_who_is_signed_in_already_is_told_so(
    telegram: Telegram, olga: Account, login: Login, session_file: Path
) -> None:
    telegram.write_session(olga, session_file)
    session_file.chmod(0o644)
    async with login() as terminal:
        await terminal.sees("Already signed in as Olga")
        await ended_without_a_traceback(terminal, 0)
    assert stat.filemode(session_file.stat().st_mode) == "-rw-------"


@pytest.mark.parametrize("how", ["AUTH_KEY_UNREGISTERED", "SESSION_REVOKED", "AUTH_KEY_DUPLICATED", "forgotten"])
async def test_a_session_that_telegram_has_ended_is_replaced(
    telegram: Telegram, olga: Account, login: Login, session_file: Path, how: str
) -> None:
    telegram.write_session(olga, session_file)
    if how == "forgotten":
        telegram.faults.forget_key(olga)
    else:
        telegram.faults.revoke(olga, how)
    async with login() as terminal:
        await terminal.sees("Signing in anew")
        await sign_in(terminal)
        await terminal.sees("Signed in as Olga")
        await ended_without_a_traceback(terminal, 0)


async def test_a_running_daemon_keeps_its_session_to_itself(
    telegram: Telegram, olga: Account, login: Login, tmp_path: Path, env: dict[str, str], session_file: Path
) -> None:
    telegram.write_session(olga, session_file)
    daemon = ForkedDaemon(tmp_path, env)
    await daemon.start(wait_for="The bot is running!")
    async with login() as terminal:
        await terminal.sees("Another instance already uses this account")
        await ended_without_a_traceback(terminal, 4)
    assert await daemon.stop() == 0


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize("session", ["missing", "of nobody", "of garbage"])
async def test_a_run_without_a_session_says_so_and_never_asks(
    telegram: Telegram, tmp_path: Path, env: dict[str, str], session_file: Path, session: str, closed: bool
) -> None:
    if session == "of nobody":
        telegram.write_session(None, session_file)
    elif session == "of garbage":
        session_file.parent.mkdir()
        session_file.write_bytes(os.urandom(8192))
    command = [sys.executable, str(ROOT / "userbot.py")]
    if closed:
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    async with Terminal(*command, cwd=tmp_path, env=env) as terminal:
        await ended_without_a_traceback(terminal, 5)
        sentence = terminal.text.splitlines()[-1]
        assert "cannot be read" in sentence if session == "of garbage" else "Nobody has signed in" in sentence
        assert "userbot.py login" in sentence


async def test_a_damaged_session_file_is_not_overwritten_by_a_login(login: Login, session_file: Path) -> None:
    session_file.parent.mkdir()
    session_file.write_bytes(b"not a database " * 100)
    async with login() as terminal:
        await terminal.sees("Delete it and run")
        await ended_without_a_traceback(terminal, 3)
