"""Two ordinary kurigram clients on a Telegram of our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pyrogram import Client
from pyrogram.session import Session

from sandbox import Account, Telegram

from .phones import Connect, Phone


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """kurigram waits long for its own comfort; and it writes unknown errors where it stands."""
    monkeypatch.setattr(Session, "WAIT_TIMEOUT", 2)
    monkeypatch.setattr(Session, "PING_INTERVAL", 0.3)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as server:
        yield server


@pytest.fixture
def alice(telegram: Telegram) -> Account:
    return telegram.add_account("Alice", username="alice_t", phone="79990000001")


@pytest.fixture
def bob(telegram: Telegram) -> Account:
    return telegram.add_account("Bob", username="bob_t", phone="79990000002")


@pytest.fixture
async def connect(telegram: Telegram, tmp_path: Path) -> AsyncIterator[Connect]:
    """Start clients: `await connect(alice, knows=[bob])`."""
    clients: list[Any] = []

    async def start(account: Account, knows: Any = (), name: str = "", **options: Any) -> Phone:
        name = name or f"{account.first_name}{len(clients)}"
        if not (tmp_path / f"{name}.session").exists():
            telegram.write_session(account, tmp_path / f"{name}.session", knows=knows)
        client = Client(name, workdir=tmp_path, workers=1, **options)
        clients.append(client)
        phone = Phone(client)
        await client.start()
        return phone

    yield start
    telegram.faults.clear()
    for client in clients:
        if client.is_connected:
            await asyncio.wait_for(client.stop(), 10)
