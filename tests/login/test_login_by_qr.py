"""Signing in by a QR code drawn in the terminal."""

from __future__ import annotations

import base64

import pytest
from qrcode.constants import ERROR_CORRECT_L
from qrcode.main import QRCode

from sandbox import Account, Telegram
from sandbox.qr import URL
from tests.login.person import PASSWORD, Login, ended_without_a_traceback
from tests.terminal import CTRL_C


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


async def test_leaving_at_the_qr_code_is_one_sentence(olga: Account, login: Login) -> None:
    async with login("--qr") as terminal:
        await terminal.sees("Scan the code")
        terminal.types(CTRL_C)
        await terminal.sees("Interrupted")
        await ended_without_a_traceback(terminal, 130)
