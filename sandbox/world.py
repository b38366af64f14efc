"""What this Telegram knows: accounts, chats, messages, files and keys. Plain data, so it can be kept on disk."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from typing import Any, Literal

ZERO_CHANNEL_ID = -1000000000000

EventKind = Literal["new", "edit", "delete", "read_inbox", "read_outbox"]


@dataclass(eq=False)
class Document:
    """A stored file and what its sender said about it."""

    id: int
    mime_type: str
    attributes: list[Any]
    data: bytes = field(repr=False)
    date: int


@dataclass(eq=False)
class Message:
    """One message, however many mailboxes hold it; `ids` maps a mailbox owner to the id it has there."""

    uid: int
    sender_id: int
    to_id: int
    date: int
    text: str
    entities: list[Any] | None = None
    document: Document | None = None
    ttl_s: int | None = None
    reply_to_uid: int | None = None
    edit_date: int | None = None
    reactions: dict[int, list[Any]] = field(default_factory=dict)
    ids: dict[int, int] = field(default_factory=dict)

    def peer_for(self, viewer_id: int) -> int:
        """The chat in which this account finds the message."""
        return self.to_id if self.to_id < 0 or self.sender_id == viewer_id else self.sender_id


@dataclass(frozen=True)
class Event:
    """One step of a mailbox's pts sequence, kept so that `getDifference` can tell it again."""

    pts: int
    count: int
    kind: EventKind
    ids: tuple[int, ...]
    peer_id: int = 0


@dataclass(eq=False)
class Mailbox:
    """A numbered sequence of messages: every account has one, and so has every supergroup."""

    owner_id: int
    pts: int = 1
    last_id: int = 0
    messages: dict[int, Message] = field(default_factory=dict, repr=False)
    events: list[Event] = field(default_factory=list, repr=False)

    def add(self, message: Message) -> Event:
        """Store a message under the next id of this mailbox."""
        self.last_id += 1
        self.messages[self.last_id] = message
        message.ids[self.owner_id] = self.last_id
        return self.record("new", self.last_id)

    def record(self, kind: EventKind, *ids: int, peer_id: int = 0) -> Event:
        """Advance pts, and remember why."""
        count = max(len(ids), 1) if kind == "delete" else 1
        self.pts += count
        event = Event(self.pts, count, kind, ids, peer_id)
        self.events.append(event)
        return event

    def since(self, pts: int) -> list[Event]:
        """What happened after this pts, oldest first."""
        return [event for event in self.events if event.pts > pts]


@dataclass(eq=False)
class Account:
    """A person with a phone number."""

    id: int
    first_name: str
    username: str | None
    phone: str
    mailbox: Mailbox
    password: str | None = None
    random_ids: set[int] = field(default_factory=set, repr=False)
    read_inbox: dict[int, int] = field(default_factory=dict)
    read_outbox: dict[int, int] = field(default_factory=dict)

    @property
    def chat_id(self) -> int:
        """The id under which others find the private chat with this account."""
        return self.id


@dataclass(eq=False)
class Chat:
    """A basic group (its members' mailboxes hold the messages) or a supergroup (with a mailbox of its own)."""

    id: int
    title: str
    creator_id: int
    members: dict[int, int]
    reactions: bool = True
    username: str | None = None
    mailbox: Mailbox | None = None

    @property
    def chat_id(self) -> int:
        """The Bot-API style id kurigram uses: -N for basic groups, -100… for supergroups."""
        return self.id * -1 if self.mailbox is None else ZERO_CHANNEL_ID - self.id


@dataclass(eq=False)
class AuthKey:
    """A key agreed with one client installation; `account_id` is None until somebody has signed in with it.

    `at_home` says that its client already knows which data centre is ours.
    """

    data: bytes = field(repr=False)
    account_id: int | None = None
    awaiting_password_id: int | None = None
    refusal: tuple[int, str] | None = None
    at_home: bool = False
    created: float = field(default_factory=time.time)

    @property
    def id(self) -> bytes:
        """What the client puts in front of every packet."""
        return hashlib.sha1(self.data).digest()[-8:]


@dataclass
class World:
    """Everything that survives a restart."""

    accounts: dict[int, Account] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    keys: dict[bytes, AuthKey] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    documents: dict[int, Document] = field(default_factory=dict)
    subscribed_sessions: dict[bytes, bytes] = field(default_factory=dict)  # session id to key id
    secret: bytes = field(default_factory=lambda: os.urandom(16))
    reference_epochs: dict[int, int] = field(default_factory=dict)  # by account id
    port: int = 0
    dc_id: int = 2

    def access_hash(self, viewer_id: int, peer_id: int) -> int:
        """The access hash of a peer; like the real one it is different for every viewer."""
        digest = hashlib.sha256(self.secret + f"{viewer_id}:{peer_id}".encode()).digest()
        return int.from_bytes(digest[:8], "little", signed=True) or 1

    def peer(self, peer_id: int) -> Account | Chat | None:
        """The account or chat with this id."""
        return self.accounts.get(peer_id) or self.chats.get(peer_id)

    def by_username(self, username: str) -> Account | Chat | None:
        """The account or chat with this username, in any letter case."""
        wanted = username.lower().removeprefix("@")
        everyone: list[Account | Chat] = [*self.accounts.values(), *self.chats.values()]
        return next((peer for peer in everyone if (peer.username or "").lower() == wanted), None)

    def by_phone(self, phone: str) -> Account | None:
        """The account with this phone number, however it is written."""
        digits = "".join(filter(str.isdigit, phone))
        return next((account for account in self.accounts.values() if account.phone == digits), None)

    def mailboxes(self, sender: Account, to: Account | Chat) -> list[Mailbox]:
        """Every mailbox a message from `sender` to this peer lands in, the sender's first."""
        if isinstance(to, Account):
            return [sender.mailbox] if to is sender else [sender.mailbox, to.mailbox]
        if to.mailbox is not None:
            return [to.mailbox]
        others = [self.accounts[member_id].mailbox for member_id in to.members if member_id != sender.id]
        return [sender.mailbox, *others]

    def mailbox_for(self, viewer: Account, peer: Account | Chat) -> Mailbox:
        """The mailbox in which this viewer finds the messages of that chat."""
        return peer.mailbox if isinstance(peer, Chat) and peer.mailbox is not None else viewer.mailbox

    def history(self, viewer: Account, peer: Account | Chat) -> list[tuple[int, Message]]:
        """The messages of a chat as this account sees them, newest first, with their ids."""
        found = self.mailbox_for(viewer, peer).messages.items()
        return [(i, m) for i, m in sorted(found, reverse=True) if m.peer_for(viewer.id) == peer.chat_id]
