"""What the world looks like to one account, in Telegram's types."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from typing import Any

from .tl import types
from .world import Account, Chat, Document, Event, Mailbox, Message, World


def tl_peer(world: World, peer_id: int) -> Any:
    """PeerUser, PeerChat or PeerChannel."""
    if peer_id > 0:
        return types.PeerUser(user_id=peer_id)
    chat = world.chats[peer_id]
    return types.PeerChat(chat_id=chat.id) if chat.mailbox is None else types.PeerChannel(channel_id=chat.id)


def tl_user(world: World, account: Account, viewer: Account) -> Any:
    """An account as another one sees it."""
    return types.User(
        id=account.id,
        is_self=account is viewer or None,
        access_hash=world.access_hash(viewer.id, account.id),
        first_name=account.first_name,
        username=account.username,
        phone=account.phone if account is viewer else None,
        status=types.UserStatusRecently(),
    )


def tl_chat(world: World, chat: Chat, viewer: Account) -> Any:
    """A group as an account sees it, forbidden if it is not a member."""
    if chat.mailbox is None:
        return _basic_group(chat, viewer)
    access_hash = world.access_hash(viewer.id, chat.chat_id)
    if viewer.id not in chat.members:
        return types.ChannelForbidden(id=chat.id, access_hash=access_hash, title=chat.title, megagroup=True)
    return types.Channel(
        id=chat.id,
        title=chat.title,
        photo=types.ChatPhotoEmpty(),
        date=chat.members[viewer.id],
        creator=chat.creator_id == viewer.id or None,
        megagroup=True,
        access_hash=access_hash,
        username=chat.username,
        participants_count=len(chat.members),
    )


def _basic_group(chat: Chat, viewer: Account) -> Any:
    if viewer.id not in chat.members:
        return types.ChatForbidden(id=chat.id, title=chat.title)
    return types.Chat(
        id=chat.id,
        title=chat.title,
        photo=types.ChatPhotoEmpty(),
        participants_count=len(chat.members),
        date=chat.members[viewer.id],
        version=1,
        creator=chat.creator_id == viewer.id or None,
    )


def tl_document(world: World, document: Document, viewer: Account) -> Any:
    """A file with a fresh reference."""
    return types.Document(
        id=document.id,
        access_hash=world.access_hash(viewer.id, document.id),
        file_reference=struct.pack(">Id", world.reference_epochs.get(viewer.id, 0), time.time()),
        date=document.date,
        mime_type=document.mime_type,
        size=len(document.data),
        dc_id=world.dc_id,
        attributes=document.attributes,
    )


def _media(world: World, message: Message, viewer: Account) -> Any:
    if message.document is None:
        return None
    attributes = message.document.attributes
    return types.MessageMediaDocument(
        document=tl_document(world, message.document, viewer),
        voice=any(getattr(a, "voice", None) for a in attributes) or None,
        round=any(getattr(a, "round_message", None) for a in attributes) or None,
        video=any(isinstance(a, types.DocumentAttributeVideo) for a in attributes) or None,
        ttl_seconds=message.ttl_s,
    )


def tl_reactions(message: Message, viewer: Account) -> Any:
    """The reactions of a message, counted; None if there never were any."""
    if not message.reactions:
        return None
    counted: list[tuple[Any, list[int]]] = []
    for account_id, chosen in message.reactions.items():
        for reaction in chosen:
            group = next((ids for known, ids in counted if known == reaction), None)
            if group is None:
                counted.append((reaction, [account_id]))
            else:
                group.append(account_id)
    results = [
        types.ReactionCount(reaction=reaction, count=len(ids), chosen_order=0 if viewer.id in ids else None)
        for reaction, ids in counted
    ]
    return types.MessageReactions(results=results, can_see_list=True)


def tl_message(world: World, message: Message, mailbox: Mailbox, viewer: Account) -> Any:
    """A message as it lies in a mailbox, seen by an account."""
    peer_id = message.peer_for(viewer.id)
    to_self = message.sender_id == message.to_id  # Telegram does not call notes to oneself outgoing
    out = message.sender_id == viewer.id and not to_self
    has_sender = out or to_self or peer_id < 0
    answered = world.messages.get(message.reply_to_uid or 0)
    reply_id = answered.ids.get(mailbox.owner_id) if answered else None
    return types.Message(
        id=message.ids[mailbox.owner_id],
        out=out or None,
        peer_id=tl_peer(world, peer_id),
        from_id=types.PeerUser(user_id=message.sender_id) if has_sender else None,
        saved_peer_id=types.PeerUser(user_id=viewer.id) if to_self else None,
        date=message.date,
        message=message.text,
        media=_media(world, message, viewer),
        entities=message.entities or None,
        reply_to=types.MessageReplyHeader(reply_to_msg_id=reply_id) if reply_id else None,
        edit_date=message.edit_date,
        reactions=tl_reactions(message, viewer),
    )


def tl_event(world: World, event: Event, mailbox: Mailbox, viewer: Account) -> Any:
    """The update that tells of an event; None if the message it is about is gone."""
    position = {"pts": event.pts, "pts_count": event.count}
    channel_id = world.chats[mailbox.owner_id].id if mailbox.owner_id < 0 else None
    if event.kind == "delete":
        ids = list(event.ids)
        if channel_id is None:
            return types.UpdateDeleteMessages(messages=ids, **position)
        return types.UpdateDeleteChannelMessages(channel_id=channel_id, messages=ids, **position)
    if event.kind in ("read_inbox", "read_outbox"):
        return _read_update(world, event, position)
    message = mailbox.messages.get(event.ids[0])
    if message is None:
        return None
    new = event.kind == "new"
    if channel_id is None:
        update = types.UpdateNewMessage if new else types.UpdateEditMessage
    else:
        update = types.UpdateNewChannelMessage if new else types.UpdateEditChannelMessage
    return update(message=tl_message(world, message, mailbox, viewer), **position)


def _read_update(world: World, event: Event, position: dict[str, int]) -> Any:
    peer, max_id = tl_peer(world, event.peer_id), event.ids[0]
    if event.kind == "read_outbox":
        return types.UpdateReadHistoryOutbox(peer=peer, max_id=max_id, **position)
    return types.UpdateReadHistoryInbox(peer=peer, max_id=max_id, still_unread_count=0, **position)


def people(world: World, viewer: Account, messages: Iterable[Message], *peer_ids: int) -> dict[str, list[Any]]:
    """The users and chats that accompany every answer and update."""
    ids = {viewer.id, *peer_ids}
    for message in messages:
        ids |= {message.sender_id, message.to_id}
    peers = [peer for peer_id in sorted(ids) if (peer := world.peer(peer_id))]
    return {
        "users": [tl_user(world, peer, viewer) for peer in peers if isinstance(peer, Account)],
        "chats": [tl_chat(world, peer, viewer) for peer in peers if isinstance(peer, Chat)],
    }


def state(pts: int, date: int) -> Any:
    """The update state at this pts."""
    return types.updates.State(pts=pts, qts=0, date=date, seq=0, unread_count=0)
