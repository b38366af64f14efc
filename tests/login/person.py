"""What a person answers when signing in."""

from __future__ import annotations

from collections.abc import Callable

from tests.terminal import Terminal

PHONE, PASSWORD = "+7 999 000-00-01", " correct horse "
Login = Callable[..., Terminal]


async def sign_in(terminal: Terminal) -> None:
    await terminal.answers("Phone number", PHONE)
    await terminal.answers("The code", "22222")


async def ended_without_a_traceback(terminal: Terminal, code: int) -> None:
    assert await terminal.ended() == code, terminal.text
    assert "Traceback" not in terminal.text
