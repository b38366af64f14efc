"""Read marks and "is typing"."""

from __future__ import annotations

from typing import Any

from . import posting, render
from .peers import resolve, resolve_channel
from .rpc import Call, method
from .tl import BoolResult, types
from .world import Account, Chat, Message


@method("messages.ReadHistory")
def read_history(call: Call, query: Any) -> Any:
    """Mark a private chat or a basic group as read; the senders learn of it."""
    peer = resolve(call, query.peer)
    found = call.world.history(call.account, peer)
    max_id = query.max_id or (found[0][0] if found else 0)
    mailbox = call.account.mailbox
    if max_id <= call.account.read_inbox.get(peer.chat_id, 0):
        return types.messages.AffectedMessages(pts=mailbox.pts, pts_count=0)
    call.account.read_inbox[peer.chat_id] = max_id
    event = mailbox.record("read_inbox", max_id, peer_id=peer.chat_id)
    posting.announce(call.telegram, mailbox, event, [], call.session)
    _tell_senders(call, peer, [message for message_id, message in found if message_id <= max_id])
    return types.messages.AffectedMessages(pts=mailbox.pts, pts_count=event.count)


def _tell_senders(call: Call, peer: Account | Chat, read: list[Message]) -> None:
    for sender_id in {message.sender_id for message in read} - {call.account.id}:
        sender = call.world.accounts[sender_id]
        chat_id = peer.chat_id if peer.chat_id < 0 else call.account.id
        max_id = max(message.ids.get(sender_id, 0) for message in read if message.sender_id == sender_id)
        if max_id > sender.read_outbox.get(chat_id, 0):
            sender.read_outbox[chat_id] = max_id
            event = sender.mailbox.record("read_outbox", max_id, peer_id=chat_id)
            posting.announce(call.telegram, sender.mailbox, event, [])


@method("channels.ReadHistory")
def read_channel_history(call: Call, query: Any) -> Any:
    """Mark a supergroup as read."""
    chat = resolve_channel(call, query.channel)
    mailbox = call.world.mailbox_for(call.account, chat)
    max_id = query.max_id or mailbox.last_id
    call.account.read_inbox[chat.chat_id] = max(max_id, call.account.read_inbox.get(chat.chat_id, 0))
    update = types.UpdateReadChannelInbox(channel_id=chat.id, max_id=max_id, still_unread_count=0, pts=mailbox.pts)
    mine = posting.updates(call.telegram, call.account, [update], [], chat.chat_id)
    call.telegram.sessions.push(call.account.id, mine, call.session)
    return BoolResult(True)


@method("messages.ReadMessageContents", "channels.ReadMessageContents")
def read_contents(call: Call, query: Any) -> Any:
    """Mark voices as listened to; nobody keeps count of that here."""
    if hasattr(query, "channel"):
        return BoolResult(True)
    return types.messages.AffectedMessages(pts=call.account.mailbox.pts, pts_count=0)


@method("messages.SetTyping")
def set_typing(call: Call, query: Any) -> Any:
    """Show the others of a chat that somebody types, records or uploads."""
    peer = resolve(call, query.peer)
    others = [peer.id] if isinstance(peer, Account) else list(peer.members)
    for member_id in set(others) - {call.account.id}:
        viewer = call.world.accounts[member_id]
        found = posting.updates(call.telegram, viewer, [_typing(call, peer, query.action)], [], call.account.id)
        call.telegram.sessions.push(member_id, found)
    return BoolResult(True)


def _typing(call: Call, peer: Account | Chat, action: Any) -> Any:
    if isinstance(peer, Account):
        return types.UpdateUserTyping(user_id=call.account.id, action=action)
    who = render.tl_peer(call.world, call.account.id)
    if peer.mailbox is None:
        return types.UpdateChatUserTyping(chat_id=peer.id, from_id=who, action=action)
    return types.UpdateChannelUserTyping(channel_id=peer.id, from_id=who, action=action)
