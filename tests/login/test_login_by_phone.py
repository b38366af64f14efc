"""Signing in by phone, code and password, at a terminal, against the sandbox."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from sandbox import Account, Telegram
from tests.login.person import PASSWORD, PHONE, Login, ended_without_a_traceback, sign_in
from tests.stage import ForkedDaemon, until


async def test_phone_code_and_password_make_a_session_that_the_daemon_runs_with(
    telegram: Telegram, careful: Account, login: Login, tmp_path: Path, env: dict[str, str]
) -> None:
    telegram.dc_id = 4  # so that the sign-in is moved, and the session file then leads here
    async with login() as terminal:
        await sign_in(terminal)
        await terminal.answers("Two-step verification password", PASSWORD)
        await terminal.sees("Signed in as Olga")
        await ended_without_a_traceback(terminal, 0)
    daemon = ForkedDaemon(tmp_path, env)
    await daemon.start(wait_for="The bot is running!")
    assert await daemon.stop() == 0


async def test_wrong_answers_are_asked_for_again(careful: Account, login: Login) -> None:
    async with login() as terminal:
        await terminal.answers("Phone number", "12")
        await terminal.answers("PHONE_NUMBER_INVALID); try again.\nPhone number", PHONE)
        await terminal.answers("The code", "11111")
        await terminal.answers("PHONE_CODE_INVALID); try again.\nThe code", "")
        await terminal.answers("PHONE_CODE_EMPTY); try again.\nThe code", "22222")
        await terminal.answers("Two-step verification password", "wrong")
        await terminal.answers("PASSWORD_HASH_INVALID); try again.\nTwo-step verification password", PASSWORD)
        await ended_without_a_traceback(terminal, 0)


async def test_no_password_is_shown_and_no_key_is_printed(careful: Account, login: Login, env: dict[str, str]) -> None:
    async with login() as terminal:
        await sign_in(terminal)
        await terminal.sees("Two-step verification password")
        await until(lambda: not terminal.echoes, "the echo to be off")
        terminal.types(PASSWORD + "\n")
        await terminal.ended()
        assert PASSWORD.strip() not in terminal.text
        assert env["API_HASH"] not in terminal.text
        assert terminal.echoes


async def test_whatever_is_written_is_private_from_the_first_moment(
    olga: Account, login: Login, session_file: Path
) -> None:
    seen: set[tuple[str, str]] = set()

    async def watch() -> None:
        while True:
            for path in session_file.parent.glob("*"):
                seen.add((path.suffix, stat.filemode(path.stat().st_mode)))
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    async with login() as terminal:
        await sign_in(terminal)
        assert await terminal.ended() == 0
    watching.cancel()
    assert {mode for suffix, mode in seen} == {"-rw-------"}
    assert ".session" in {suffix for suffix, mode in seen}


async def test_an_expired_code_is_replaced_by_a_new_one(telegram: Telegram, olga: Account, login: Login) -> None:
    telegram.faults.error("auth.SignIn", 400, "PHONE_CODE_EXPIRED")
    async with login() as terminal:
        await sign_in(terminal)
        await terminal.answers("Telegram has sent a new one.\nThe code", "22222")
        await ended_without_a_traceback(terminal, 0)


async def test_a_number_without_an_account_is_told_so(login: Login) -> None:
    async with login() as terminal:
        await sign_in(terminal)
        await terminal.sees("There is no Telegram account with this number")
        await ended_without_a_traceback(terminal, 3)


async def test_being_asked_to_wait_is_said_in_minutes(telegram: Telegram, olga: Account, login: Login) -> None:
    telegram.faults.flood("auth.SendCode", 601)
    async with login() as terminal:
        await terminal.answers("Phone number", PHONE)
        await terminal.sees("Telegram asks to wait for 11 min")
        await ended_without_a_traceback(terminal, 3)
