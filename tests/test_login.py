"""Signing in: `python userbot.py login` as its own process, at a terminal, against the sandbox."""

from __future__ import annotations

import asyncio
import base64
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from qrcode.constants import ERROR_CORRECT_L
from qrcode.main import QRCode

from sandbox import Account, Telegram
from sandbox.qr import URL
from tests.stage import COMPILED, ROOT, Daemon, until
from tests.terminal import CTRL_C, CTRL_D, Terminal
from tests.weights import weights

PHONE, PASSWORD = "+7 999 000-00-01", " correct horse "
Login = Callable[..., Terminal]


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as server:
        yield server


@pytest.fixture
def olga(telegram: Telegram) -> Account:
    return telegram.add_account("Olga", phone=PHONE)


@pytest.fixture
def careful(telegram: Telegram) -> Account:
    """Somebody with a two-step password."""
    return telegram.add_account("Olga", phone=PHONE, password=PASSWORD)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {
        **COMPILED,
        "PYTHONPATH": str(ROOT),
        "API_ID": "12345",
        "API_HASH": "0123456789abcdef0123456789abcdef",
        "DATA_DIR": str(tmp_path / "data"),
        "LANGUAGE": "en",
        "WHISPER_MODEL": str(weights("tiny.en")),
    }


@pytest.fixture
def session_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "voice_transcriber.session"


@pytest.fixture
def login(telegram: Telegram, tmp_path: Path, env: dict[str, str]) -> Login:
    """`python userbot.py login`, its connections led to the sandbox."""

    def run(*options: str) -> Terminal:
        program = [str(telegram.port), str(ROOT / "userbot.py"), "login", *options]
        return Terminal(sys.executable, "-m", "sandbox.run", *program, cwd=tmp_path, env=env)

    return run


async def sign_in(terminal: Terminal) -> None:
    await terminal.answers("Phone number", PHONE)
    await terminal.answers("The code", "22222")


async def ended_without_a_traceback(terminal: Terminal, code: int) -> None:
    assert await terminal.ended() == code, terminal.text
    assert "Traceback" not in terminal.text


async def test_phone_code_and_password_make_a_session_that_the_daemon_runs_with(
    telegram: Telegram, careful: Account, login: Login, tmp_path: Path, env: dict[str, str]
) -> None:
    telegram.dc_id = 4  # so that the sign-in is moved, and the session file then leads here
    async with login() as terminal:
        await sign_in(terminal)
        await terminal.answers("Two-step verification password", PASSWORD)
        await terminal.sees("Signed in as Olga")
        await ended_without_a_traceback(terminal, 0)
    daemon = Daemon(tmp_path, env)
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


def drawn(text: str) -> list[list[bool]]:
    """The modules of the last QR code in a terminal: True is black."""
    lines = [line for line in text.splitlines() if line and set(line) <= set(" ▀▄█")]
    bits = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}
    rows = [[bits[glyph][half] for glyph in line] for line in lines for half in (0, 1)]
    return rows[: len(rows[0])]  # codes are square; the last half line may be filled up


def qr_code(text: str) -> list[list[bool]]:
    code = QRCode(border=2, error_correction=ERROR_CORRECT_L)
    code.add_data(text)
    return code.get_matrix()


@pytest.mark.parametrize("person", ["olga", "careful"])
async def test_a_qr_code_that_a_phone_accepts_signs_in(
    telegram: Telegram, login: Login, person: str, request: pytest.FixtureRequest
) -> None:
    account: Account = request.getfixturevalue(person)
    async with login("--qr") as terminal:
        await terminal.sees("Scan the code")
        [token] = telegram.login_tokens
        url = URL + base64.urlsafe_b64encode(token).decode()
        assert drawn(terminal.text) == qr_code(url)
        telegram.accept_login_token(account, url)
        if account.password:
            await terminal.answers("Two-step verification password", PASSWORD)
        await terminal.sees("Signed in as Olga")
        await ended_without_a_traceback(terminal, 0)


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


async def test_leaving_at_the_qr_code_is_one_sentence(olga: Account, login: Login) -> None:
    async with login("--qr") as terminal:
        await terminal.sees("Scan the code")
        terminal.types(CTRL_C)
        await terminal.sees("Interrupted")
        await ended_without_a_traceback(terminal, 130)


async def test_an_unreachable_telegram_is_one_sentence(telegram: Telegram, login: Login) -> None:
    await telegram.stop()
    async with login() as terminal:
        await terminal.sees("Telegram does not answer")
        await ended_without_a_traceback(terminal, 3)


async def test_a_running_daemon_keeps_its_session_to_itself(
    telegram: Telegram, olga: Account, login: Login, tmp_path: Path, env: dict[str, str], session_file: Path
) -> None:
    telegram.write_session(olga, session_file)
    daemon = Daemon(tmp_path, env)
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


@pytest.mark.parametrize("stdin", ["</dev/null", "<&-"])
async def test_a_login_with_nobody_to_ask_ends_with_a_sentence(
    telegram: Telegram, tmp_path: Path, env: dict[str, str], stdin: str
) -> None:
    program = [sys.executable, "-m", "sandbox.run", str(telegram.port), str(ROOT / "userbot.py"), "login"]
    async with Terminal("sh", "-c", f'exec "$@" {stdin}', "sh", *program, cwd=tmp_path, env=env) as terminal:
        await terminal.sees("the input is closed")
        await ended_without_a_traceback(terminal, 3)
