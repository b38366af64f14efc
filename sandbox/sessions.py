"""Client sessions, and which of them hear of what happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .tl import types

if TYPE_CHECKING:
    from .connection import Connection
    from .telegram import Telegram


MAX_IDLE_SESSIONS = 100


@dataclass(eq=False)
class Session:
    """One session of a client; it outlives its connections."""

    id: bytes
    key_id: bytes
    greeted: bool = False
    subscribed: bool = False
    connection: Connection | None = None
    missed: list[Any] = field(default_factory=list)


class Sessions:
    """All sessions. A session hears updates once it has made a call other than moving files, as with Telegram."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        known = telegram.world.subscribed_sessions
        self._sessions = {i: Session(i, key_id, subscribed=True) for i, key_id in known.items()}

    def attach(self, session_id: bytes, key_id: bytes, connection: Connection) -> Session:
        """The session a connection speaks for, from now on reached through it."""
        session = self._sessions.setdefault(session_id, Session(session_id, key_id))
        session.connection = connection
        self._forget_old()
        return session

    def subscribe(self, session: Session, method: str, silent: bool) -> None:
        """Begin to tell a session what happens, after its first call that shows it is not a media session."""
        if session.subscribed or silent or method.startswith(("upload.", "help.")):
            return
        session.subscribed = True
        self._telegram.world.subscribed_sessions[session.id] = session.key_id
        self._telegram.touch()

    def listening(self, account_id: int) -> bool:
        """Whether any session of an account would hear an update now."""
        mine = [s for s in self._sessions.values() if s.subscribed and self._account_id(s) == account_id]
        return any(session.connection is not None for session in mine)

    def push(self, account_id: int, updates: Any, origin: Session | None = None, channel_id: int | None = None) -> None:
        """Tell every listening session of an account except the one that caused it."""
        if rule := self._telegram.faults.take("swallow", account_id=account_id):
            if not rule.too_long:
                return
            updates = self._telegram.too_long(channel_id)
        for session in self._sessions.values():
            if session.subscribed and session is not origin and self._account_id(session) == account_id:
                self._deliver(session, updates)

    def push_to_key(self, key_id: bytes, update: Any) -> None:
        """Tell the live sessions of one key, signed in or not."""
        short = types.UpdateShort(update=update, date=self._telegram.date())
        for session in self._sessions.values():
            if session.key_id == key_id and session.subscribed and session.connection is not None:
                session.connection.push(short)

    def _forget_old(self) -> None:
        """Clients begin a new session at every start and never end one, so somebody has to."""
        idle = [session for session in self._sessions.values() if session.connection is None]
        for session in idle[:-MAX_IDLE_SESSIONS]:
            del self._sessions[session.id]
            self._telegram.world.subscribed_sessions.pop(session.id, None)

    def _account_id(self, session: Session) -> int | None:
        key = self._telegram.world.keys.get(session.key_id)
        return None if key is None or key.refusal is not None else key.account_id

    def _deliver(self, session: Session, updates: Any) -> None:
        if session.connection is not None:
            session.connection.push(updates)
        elif self._telegram.resend:
            session.missed.append(updates)
