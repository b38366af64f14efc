"""Messages written, edited, deleted and reacted to, and everybody concerned told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import render
from .tl import RpcError, types, utf16_length
from .world import Account, Chat, Document, Event, Mailbox, Message

if TYPE_CHECKING:
    from .sessions import Session
    from .telegram import Telegram

MAX_TEXT_UNITS, MAX_CAPTION_UNITS = 4096, 1024


def check_text(text: str, document: Document | None) -> None:
    """Refuse what Telegram refuses: nothing at all, and too much."""
    if document is None and not text.strip():
        raise RpcError(400, "MESSAGE_EMPTY")
    if document is None and utf16_length(text) > MAX_TEXT_UNITS:
        raise RpcError(400, "MESSAGE_TOO_LONG")
    if document is not None and utf16_length(text) > MAX_CAPTION_UNITS:
        raise RpcError(400, "MEDIA_CAPTION_TOO_LONG")


def send(
    telegram: Telegram,
    sender: Account,
    to: Account | Chat,
    text: str,
    *,
    entities: list[Any] | None = None,
    document: Document | None = None,
    ttl_s: int | None = None,
    reply_to: Message | None = None,
    origin: Session | None = None,
) -> Message:
    """Put a message into every mailbox concerned and tell the sessions, except the one it came from."""
    check_text(text, document)
    uid = len(telegram.world.messages) + 1
    reply_uid = reply_to.uid if reply_to else None
    message = Message(uid, sender.id, to.chat_id, telegram.date(), text, entities, document, ttl_s, reply_uid)
    telegram.world.messages[uid] = message
    for mailbox in telegram.world.mailboxes(sender, to):
        announce(telegram, mailbox, mailbox.add(message), [message], origin)
    return message


def edit(
    telegram: Telegram, message: Message, text: str, entities: list[Any] | None = None, origin: Session | None = None
) -> None:
    """Change a text in place."""
    check_text(text, message.document)
    if message.text == text and (message.entities or []) == (entities or []):
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    message.text, message.entities, message.edit_date = text, entities, telegram.date()
    for mailbox, message_id in held_in(telegram, message):
        announce(telegram, mailbox, mailbox.record("edit", message_id), [message], origin)


def delete(telegram: Telegram, mailbox: Mailbox, ids: Iterable[int], origin: Session | None = None) -> Event | None:
    """Remove messages from one mailbox; ids that are not there are passed over."""
    gone = [message_id for message_id in ids if mailbox.messages.pop(message_id, None) is not None]
    if not gone:
        return None
    event = mailbox.record("delete", *gone)
    announce(telegram, mailbox, event, [], origin)
    return event


def react(
    telegram: Telegram, account: Account, message: Message, reactions: list[Any], origin: Session | None = None
) -> None:
    """Replace the reactions of one account to a message."""
    chat = telegram.world.chats.get(message.to_id)
    if reactions and chat is not None and not chat.reactions:
        raise RpcError(400, "REACTION_INVALID")
    message.reactions[account.id] = reactions
    for mailbox, message_id in held_in(telegram, message):
        for viewer in viewers(telegram, mailbox):
            update = reactions_update(telegram, message, message_id, viewer)
            telegram.sessions.push(viewer.id, updates(telegram, viewer, [update], [message]), origin)
    telegram.touch()


def reactions_update(telegram: Telegram, message: Message, message_id: int, viewer: Account) -> Any:
    """UpdateMessageReactions as one account gets it."""
    return types.UpdateMessageReactions(
        peer=render.tl_peer(telegram.world, message.peer_for(viewer.id)),
        msg_id=message_id,
        reactions=render.tl_reactions(message, viewer),
    )


def held_in(telegram: Telegram, message: Message) -> list[tuple[Mailbox, int]]:
    """The mailboxes that still hold a message, with its id there."""
    found = [(telegram.mailbox(owner_id), message_id) for owner_id, message_id in message.ids.items()]
    return [(mailbox, message_id) for mailbox, message_id in found if message_id in mailbox.messages]


def viewers(telegram: Telegram, mailbox: Mailbox) -> list[Account]:
    """Who reads a mailbox: its owner, or the members of the supergroup."""
    world = telegram.world
    if mailbox.owner_id > 0:
        return [world.accounts[mailbox.owner_id]]
    return [world.accounts[member_id] for member_id in world.chats[mailbox.owner_id].members]


def announce(
    telegram: Telegram, mailbox: Mailbox, event: Event, messages: list[Message], origin: Session | None = None
) -> None:
    """Tell everybody who reads a mailbox of an event in it."""
    channel_id = mailbox.owner_id if mailbox.owner_id < 0 else None
    for viewer in viewers(telegram, mailbox):
        update = render.tl_event(telegram.world, event, mailbox, viewer)
        found = updates(telegram, viewer, [update], messages, *([channel_id] if channel_id else []))
        telegram.sessions.push(viewer.id, found, origin, channel_id)
    telegram.touch()


def updates(telegram: Telegram, viewer: Account, items: list[Any], messages: Iterable[Message], *peer_ids: int) -> Any:
    """Updates with the users and chats they speak of."""
    known = render.people(telegram.world, viewer, messages, *peer_ids)
    return types.Updates(updates=items, date=telegram.date(), seq=0, **known)
