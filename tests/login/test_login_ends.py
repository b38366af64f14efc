"""Sign-ins that come to nothing: left, refused, or with nobody to ask."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sandbox import Account, Telegram
from tests.login.person import Login, ended_without_a_traceback, sign_in
from tests.stage import ROOT, until
from tests.terminal import CTRL_C, CTRL_D, Terminal


@pytest.mark.parametrize("keys", [CTRL_C, CTRL_D])
async def test_leaving_at_a_question_is_one_sentence_and_no_success(olga: Account, login: Login, keys: str) -> None:
    async with login() as terminal:
        await terminal.sees("Phone number")
        terminal.types(keys)
        await terminal.sees("Interrupted" if keys == CTRL_C else "the input is closed")
        await ended_without_a_traceback(terminal, 130 if keys == CTRL_C else 3)


async def test_leaving_at_the_password_gives_the_terminal_its_echo_back(careful: Account, login: Login) -> None:
    async with login() as terminal:
        await sign_in(terminal)
        await terminal.sees("Two-step verification password")
        await until(lambda: not terminal.echoes, "the echo to be off")
        terminal.types(CTRL_C)
        await ended_without_a_traceback(terminal, 130)
        assert terminal.echoes


async def test_an_unreachable_telegram_is_one_sentence(telegram: Telegram, login: Login) -> None:
    await telegram.stop()
    async with login() as terminal:
        await terminal.sees("Telegram does not answer")
        await ended_without_a_traceback(terminal, 3)


@pytest.mark.parametrize("stdin", ["</dev/null", "<&-"])
async def test_a_login_with_nobody_to_ask_ends_with_a_sentence(
    telegram: Telegram, tmp_path: Path, env: dict[str, str], stdin: str
) -> None:
    program = [sys.executable, "-m", "sandbox.run", str(telegram.port), str(ROOT / "userbot.py"), "login"]
    async with Terminal("sh", "-c", f'exec "$@" {stdin}', "sh", *program, cwd=tmp_path, env=env) as terminal:
        await terminal.sees("the input is closed")
        await ended_without_a_traceback(terminal, 3)
