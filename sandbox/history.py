"""Reading: history and search in pages, and single messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import render
from .peers import resolve, resolve_channel
from .rpc import Call, method
from .tl import VectorResult, objects, types
from .world import Account, Chat, Mailbox, Message

Found = list[tuple[int, Message]]

MAX_PAGE = 100


def _attribute(message: Message, kind: Any) -> Any:
    attributes = message.document.attributes if message.document else []
    return next((attribute for attribute in attributes if isinstance(attribute, kind)), None)


def is_voice(message: Message) -> bool:
    """A voice message."""
    return bool(getattr(_attribute(message, types.DocumentAttributeAudio), "voice", False))


def is_round(message: Message) -> bool:
    """A round video."""
    return bool(getattr(_attribute(message, types.DocumentAttributeVideo), "round_message", False))


def is_music(message: Message) -> bool:
    """An audio file."""
    return _attribute(message, types.DocumentAttributeAudio) is not None and not is_voice(message)


def is_video(message: Message) -> bool:
    """A video that is not round."""
    return _attribute(message, types.DocumentAttributeVideo) is not None and not is_round(message)


def is_file(message: Message) -> bool:
    """A file of any other kind."""
    kinds = (types.DocumentAttributeAudio, types.DocumentAttributeVideo)
    return message.document is not None and _attribute(message, kinds) is None


def _nothing(message: Message) -> bool:
    return False


FILTERS: dict[Any, Callable[[Message], bool]] = {
    types.InputMessagesFilterEmpty: lambda message: True,
    types.InputMessagesFilterVoice: is_voice,
    types.InputMessagesFilterRoundVideo: is_round,
    types.InputMessagesFilterRoundVoice: lambda message: is_voice(message) or is_round(message),
    types.InputMessagesFilterMusic: is_music,
    types.InputMessagesFilterVideo: is_video,
    types.InputMessagesFilterPhotoVideo: is_video,
    types.InputMessagesFilterDocument: is_file,
    types.InputMessagesFilterUrl: lambda message: "://" in message.text,
}


@method("messages.GetHistory")
def get_history(call: Call, query: Any) -> Any:
    """A page of a chat, newest first."""
    peer = resolve(call, query.peer)
    found = call.world.history(call.account, peer)
    return _answer(call, peer, found, _page(found, query, query.offset_date))


@method("messages.Search")
def search(call: Call, query: Any) -> Any:
    """A page of the messages of a chat that match a filter, a text or a sender."""
    peer = resolve(call, query.peer)
    matches = FILTERS.get(type(query.filter), _nothing)
    sender = resolve(call, query.from_id) if query.from_id else None
    found = [
        (message_id, message)
        for message_id, message in call.world.history(call.account, peer)
        if matches(message)
        and query.q.lower() in message.text.lower()
        and (sender is None or sender.chat_id == message.sender_id)
        and (not query.min_date or message.date >= query.min_date)
        and (not query.max_date or message.date < query.max_date)
    ]
    return _answer(call, peer, found, _page(found, query, 0))


def _page(found: Found, query: Any, offset_date: int) -> Found:
    """Telegram's paging: a place (offset_id or offset_date), a shift (add_offset), a limit, and two borders."""
    start = next((n for n, (i, m) in enumerate(found) if _older(i, m, query.offset_id, offset_date)), len(found))
    first = start + query.add_offset
    page = found[max(first, 0) : max(first + min(query.limit, MAX_PAGE), 0)]
    return [(i, m) for i, m in page if i > query.min_id and (not query.max_id or i < query.max_id)]


def _older(message_id: int, message: Message, offset_id: int, offset_date: int) -> bool:
    if offset_id:
        return message_id < offset_id
    return not offset_date or message.date < offset_date


def _answer(call: Call, peer: Account | Chat, found: Found, page: Found) -> Any:
    mailbox = call.world.mailbox_for(call.account, peer)
    content = render_all(call, mailbox, [message for _, message in page], peer.chat_id)
    if mailbox.owner_id < 0:
        return types.messages.ChannelMessages(pts=mailbox.pts, count=len(found), topics=[], **content)
    if len(page) == len(found):
        return types.messages.Messages(topics=[], **content)
    return types.messages.MessagesSlice(count=len(found), topics=[], **content)


def render_all(call: Call, mailbox: Mailbox, messages: list[Message], *peer_ids: int) -> dict[str, list[Any]]:
    """Messages with the users and chats they speak of."""
    shown = [render.tl_message(call.world, message, mailbox, call.account) for message in messages]
    return {"messages": shown, **render.people(call.world, call.account, messages, *peer_ids)}


@method("messages.GetSplitRanges")
def get_split_ranges(call: Call, query: Any) -> Any:
    """The ranges of ids that have to be searched one by one: there is only one."""
    return VectorResult([types.MessageRange(min_id=1, max_id=2**31 - 1)])


@method("messages.GetMessages")
def get_messages(call: Call, query: Any) -> Any:
    """Messages of private chats and basic groups, by id."""
    return types.messages.Messages(topics=[], **_by_id(call, call.account.mailbox, query.id))


@method("channels.GetMessages")
def get_channel_messages(call: Call, query: Any) -> Any:
    """Messages of a supergroup, by id."""
    chat = resolve_channel(call, query.channel)
    mailbox = call.world.mailbox_for(call.account, chat)
    content = _by_id(call, mailbox, query.id, chat.chat_id)
    return types.messages.ChannelMessages(pts=mailbox.pts, count=len(content["messages"]), topics=[], **content)


def _by_id(call: Call, mailbox: Mailbox, wanted: list[Any], *peer_ids: int) -> dict[str, list[Any]]:
    ids = [_meant(call, mailbox, item) for item in objects(wanted)]
    messages = [mailbox.messages[message_id] for message_id in ids if message_id in mailbox.messages]
    content = render_all(call, mailbox, messages, *peer_ids)
    shown = {message.id: message for message in content["messages"]}
    content["messages"] = [shown.get(message_id) or types.MessageEmpty(id=message_id) for message_id in ids]
    return content


def _meant(call: Call, mailbox: Mailbox, item: Any) -> int:
    """The id an InputMessage means: its own, or that of the message it answers."""
    if not isinstance(item, types.InputMessageReplyTo):
        return int(getattr(item, "id", 0))
    message = mailbox.messages.get(item.id)
    answered = call.world.messages.get(message.reply_to_uid or 0) if message else None
    return answered.ids.get(mailbox.owner_id, 0) if answered else 0
