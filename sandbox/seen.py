"""Messages as an account sees them, in plain values: for tests, the demo and the control port."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import history
from .world import Account, Chat, Mailbox, Message, World


class SentId(int):
    """A message id as the recipient sees it; in a basic group, as the first member other than the sender does."""

    message: Message

    @classmethod
    def of(cls, message: Message, world: World) -> SentId:
        """The id of a message just sent."""
        others = [i for owner, i in message.ids.items() if owner != message.sender_id]
        sent = cls(others[0] if others else message.ids[message.sender_id])
        sent.message = message
        return sent

    def seen_by(self, account: Account) -> int:
        """The id this account sees; ids differ between accounts except in supergroups."""
        return self.message.ids.get(account.id) or self.message.ids[self.message.to_id]


@dataclass(frozen=True)
class SeenMessage:
    """One message in a chat, as one account sees it."""

    id: int
    sender_id: int
    out: bool
    text: str
    date: int
    reply_to: int | None = None
    edited: bool = False
    media: str | None = None
    size_bytes: int = 0
    entities: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, list[int]] = field(default_factory=dict)


def messages(world: World, viewer: Account, peer: Account | Chat) -> list[SeenMessage]:
    """The messages of a chat, oldest first."""
    mailbox = world.mailbox_for(viewer, peer)
    return [_seen(world, mailbox, viewer, i, message) for i, message in reversed(world.history(viewer, peer))]


def media_kind(message: Message) -> str | None:
    """voice, round, audio, video or document."""
    if message.document is None:
        return None
    kinds = {
        "voice": history.is_voice,
        "round": history.is_round,
        "audio": history.is_music,
        "video": history.is_video,
    }
    return next((kind for kind, matches in kinds.items() if matches(message)), "document")


def _seen(world: World, mailbox: Mailbox, viewer: Account, message_id: int, message: Message) -> SeenMessage:
    answered = world.messages.get(message.reply_to_uid or 0)
    return SeenMessage(
        id=message_id,
        sender_id=message.sender_id,
        out=message.sender_id == viewer.id,
        text=message.text,
        date=message.date,
        reply_to=answered.ids.get(mailbox.owner_id) if answered else None,
        edited=message.edit_date is not None,
        media=media_kind(message),
        size_bytes=len(message.document.data) if message.document else 0,
        entities=[_entity(entity) for entity in message.entities or []],
        reactions=_reactions(message),
    )


def _entity(entity: Any) -> dict[str, Any]:
    values = {name: getattr(entity, name) for name in entity.__slots__}
    return {"type": type(entity).__name__.removeprefix("MessageEntity"), **values}


def _reactions(message: Message) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for account_id, chosen in message.reactions.items():
        for reaction in chosen:
            found.setdefault(getattr(reaction, "emoticon", "custom"), []).append(account_id)
    return found
