"""Writing: messages sent, edited, deleted and reacted to by clients."""

from __future__ import annotations

from typing import Any

from . import files, posting, render
from .peers import resolve, resolve_channel
from .rpc import Call, method
from .tl import RpcError, types
from .world import Account, Chat, Document, Event, Mailbox, Message

FILE_LIKE = (types.InputMediaUploadedDocument, types.InputMediaDocument)


@method("messages.SendMessage")
def send_message(call: Call, query: Any) -> Any:
    """Send a text."""
    return _send(call, query, None)


@method("messages.SendMedia")
def send_media(call: Call, query: Any) -> Any:
    """Send an uploaded file, or one that is already here."""
    if not isinstance(query.media, FILE_LIKE):
        raise RpcError(400, "MEDIA_INVALID")
    return _send(call, query, query.media)


def _send(call: Call, query: Any, media: Any) -> Any:
    account, to = call.account, resolve(call, query.peer)
    if query.random_id in account.random_ids:
        raise RpcError(500, "RANDOM_ID_DUPLICATE")
    reply_to = _answered(call, account, to, query.reply_to)
    posting.check_text(query.message, Document(0, "", [], b"", 0) if media else None)
    document = files.document_from(call, media) if media else None
    account.random_ids.add(query.random_id)
    message = posting.send(
        call.telegram,
        account,
        to,
        query.message,
        entities=query.entities,
        document=document,
        ttl_s=getattr(media, "ttl_seconds", None),
        reply_to=reply_to,
        origin=call.session,
    )
    mailbox = call.world.mailbox_for(account, to)
    return _sent(call, mailbox, mailbox.events[-1], message, query.random_id)


def _answered(call: Call, account: Account, to: Account | Chat, reply_to: Any) -> Message | None:
    message_id = getattr(reply_to, "reply_to_msg_id", None)
    if not message_id:
        return None
    # Telegram sends without the reply when the message answered is gone
    message = call.world.mailbox_for(account, to).messages.get(message_id)
    return message if message is not None and message.peer_for(account.id) == to.chat_id else None


def _sent(call: Call, mailbox: Mailbox, event: Event, message: Message, random_id: int) -> Any:
    known_as = types.UpdateMessageID(id=message.ids[mailbox.owner_id], random_id=random_id)
    update = render.tl_event(call.world, event, mailbox, call.account)
    return posting.updates(call.telegram, call.account, [known_as, update], [message])


@method("messages.EditMessage")
def edit_message(call: Call, query: Any) -> Any:
    """Change the text of one's own message."""
    peer = resolve(call, query.peer)
    mailbox = call.world.mailbox_for(call.account, peer)
    message = _own_message(call, mailbox, peer, query.id)
    posting.edit(call.telegram, message, query.message or "", query.entities, call.session)
    update = render.tl_event(call.world, mailbox.events[-1], mailbox, call.account)
    return posting.updates(call.telegram, call.account, [update], [message])


def _own_message(call: Call, mailbox: Mailbox, peer: Account | Chat, message_id: int) -> Message:
    message = mailbox.messages.get(message_id)
    if message is None or message.peer_for(call.account.id) != peer.chat_id:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if message.sender_id != call.account.id:
        raise RpcError(403, "MESSAGE_AUTHOR_REQUIRED")
    return message


@method("messages.DeleteMessages")
def delete_messages(call: Call, query: Any) -> Any:
    """Delete messages of private chats and basic groups, with `revoke` for everybody."""
    mailbox = call.account.mailbox
    messages = [mailbox.messages[i] for i in query.id if i in mailbox.messages]
    event = posting.delete(call.telegram, mailbox, query.id, call.session)
    if query.revoke:
        for message in messages:
            for other, message_id in posting.held_in(call.telegram, message):
                posting.delete(call.telegram, other, [message_id])
    return types.messages.AffectedMessages(pts=mailbox.pts, pts_count=event.count if event else 0)


@method("channels.DeleteMessages")
def delete_channel_messages(call: Call, query: Any) -> Any:
    """Delete messages of a supergroup: one's own, or any as its creator."""
    chat = resolve_channel(call, query.channel)
    mailbox = call.world.mailbox_for(call.account, chat)
    found = [mailbox.messages[i] for i in query.id if i in mailbox.messages]
    if call.account.id != chat.creator_id and any(m.sender_id != call.account.id for m in found):
        raise RpcError(403, "MESSAGE_DELETE_FORBIDDEN")
    event = posting.delete(call.telegram, mailbox, query.id, call.session)
    return types.messages.AffectedMessages(pts=mailbox.pts, pts_count=event.count if event else 0)


@method("messages.SendReaction")
def send_reaction(call: Call, query: Any) -> Any:
    """Put reactions under a message, or take them back."""
    peer = resolve(call, query.peer)
    message = call.world.mailbox_for(call.account, peer).messages.get(query.msg_id)
    if message is None or message.peer_for(call.account.id) != peer.chat_id:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    chosen = [r for r in query.reaction or [] if not isinstance(r, types.ReactionEmpty)]
    posting.react(call.telegram, call.account, message, chosen, call.session)
    update = posting.reactions_update(call.telegram, message, query.msg_id, call.account)
    return posting.updates(call.telegram, call.account, [update], [message])
