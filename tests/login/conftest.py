"""A sandbox, people who can sign in, and `python userbot.py login` at a terminal of its own."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox import Account, Telegram
from tests.login.person import PASSWORD, PHONE, Login
from tests.stage import COMPILED, ROOT
from tests.terminal import Terminal
from tests.weights import weights


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
