"""kurigram session files that lead here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from pyrogram.storage.sqlite_storage import SCHEMA, SQLiteStorage

from .world import Account, AuthKey, Chat, World

API_ID = 12345

SESSION_ROW = """
INSERT INTO sessions (dc_id, server_address, port, api_id, test_mode, auth_key, date, user_id, is_bot)
VALUES (?, ?, ?, ?, 0, ?, 0, ?, 0)
"""


def write(path: Path, dc_id: int, host: str, port: int, key: AuthKey) -> None:
    """A new session file; its key may belong to nobody yet, and then kurigram asks to sign in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)
        database.execute("INSERT INTO version VALUES (?)", (SQLiteStorage.VERSION,))
        # a row without a user id would count as empty, and kurigram would make a key of its own
        database.execute(SESSION_ROW, (dc_id, host, port, API_ID, key.data, key.account_id or 0))
        database.commit()


def introduce(path: Path, world: World, account: Account, peers: Iterable[Account | Chat]) -> None:
    """Let a session file know peers, as if the client had met them before."""
    rows = [(peer.chat_id, world.access_hash(account.id, peer.chat_id), _kind(peer)) for peer in peers]
    with closing(sqlite3.connect(path)) as database:
        database.executemany("REPLACE INTO peers (id, access_hash, type) VALUES (?, ?, ?)", rows)
        database.commit()


def _kind(peer: Account | Chat) -> str:
    if isinstance(peer, Account):
        return "user"
    return "group" if peer.mailbox is None else "supergroup"
