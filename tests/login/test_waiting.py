"""`python userbot.py --wait`: where only a sign-in helps, the program waits for it, quietly, and goes on by itself."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from sandbox import Account, Telegram
from tests.login.person import Login, ended_without_a_traceback, sign_in
from tests.stage import ROOT, ForkedDaemon, until
from tests.terminal import Terminal

WAITING = "Waiting for that"


@pytest.fixture
async def daemon(telegram: Telegram, olga: Account, tmp_path: Path, env: dict[str, str]) -> ForkedDaemon:
    """The daemon, whose first sign-in leads to the sandbox as well."""
    telegram.dc_id = 4  # the session that a sign-in leaves then holds the sandbox's address
    return ForkedDaemon(tmp_path, env)


async def test_a_first_start_waits_for_the_sign_in_and_goes_on_by_itself(
    telegram: Telegram, daemon: ForkedDaemon, login: Login
) -> None:
    await daemon.start("--wait", wait_for=WAITING)
    assert "Nobody has signed in" in daemon.lines[-2]
    assert "userbot.py login" in daemon.lines[-2]
    code, sentence = await daemon.ask("health")
    assert (code, "Nobody has signed in" in sentence) == (1, True)
    assert not telegram.calls

    async with login() as terminal:
        await sign_in(terminal)
        await ended_without_a_traceback(terminal, 0)
    await daemon.line("The bot is running!")
    assert daemon.text.count(WAITING) == 1
    assert await daemon.stop() == 0


async def test_a_sign_in_that_is_not_finished_starts_nothing(
    telegram: Telegram, olga: Account, daemon: ForkedDaemon, login: Login, session_file: Path
) -> None:
    await daemon.start("--wait", wait_for=WAITING)
    async with login() as terminal:
        await terminal.sees("Phone number")
        await until(session_file.exists)
        terminal.process.send_signal(signal.SIGINT)
        await terminal.ended()
    calls = len(telegram.calls)
    async with login() as terminal:  # nor is the next sign-in in the way of anybody
        await sign_in(terminal)
        await ended_without_a_traceback(terminal, 0)
    await daemon.line("The bot is running!")
    assert daemon.text.count(WAITING) == 1
    assert len(telegram.calls) > calls
    await daemon.stop()


async def test_a_session_that_telegram_ends_is_not_tried_again_until_somebody_signs_in(
    telegram: Telegram, olga: Account, daemon: ForkedDaemon, login: Login, session_file: Path
) -> None:
    telegram.write_session(olga, session_file)
    await daemon.start("--wait", wait_for="The bot is running!")
    telegram.faults.revoke(olga, "SESSION_REVOKED")
    await daemon.line(WAITING)
    assert "Telegram ended this session" in daemon.lines[-2]
    calls = len(telegram.calls)
    code, sentence = await daemon.ask("health")
    assert (code, "Telegram ended this session" in sentence) == (1, True)
    assert len(telegram.calls) == calls

    async with login() as terminal:
        await terminal.sees("Signing in anew")
        await sign_in(terminal)
        await ended_without_a_traceback(terminal, 0)
    await daemon.line("The bot is running!", after=await daemon.line(WAITING))
    assert await daemon.stop() == 0


async def test_a_stop_ends_the_wait_and_leaves_nothing_behind(daemon: ForkedDaemon, session_file: Path) -> None:
    await daemon.start("--wait", wait_for=WAITING)
    assert await daemon.stop() == 0
    assert {file.suffix for file in session_file.parent.iterdir()} <= {".lock"}


async def test_settings_with_a_mistake_are_told_once_and_waited_with(tmp_path: Path, env: dict[str, str]) -> None:
    command = [sys.executable, str(ROOT / "userbot.py"), "--wait"]
    async with Terminal(*command, cwd=tmp_path, env={**env, "API_ID": "no number"}) as terminal:
        await terminal.sees("API_ID")
        assert terminal.process.returncode is None
        terminal.process.terminate()
        assert await terminal.ended() == -signal.SIGTERM
