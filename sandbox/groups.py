"""Basic groups and supergroups: what they are, and who is in them."""

from __future__ import annotations

from typing import Any

from . import render
from .peers import resolve, resolve_channel
from .rpc import Call, method
from .tl import RpcError, objects, types
from .world import Account, Chat

MAX_MEMBERS_PAGE = 200


@method("messages.GetChats")
def get_chats(call: Call, query: Any) -> Any:
    """Basic groups by id."""
    chats = [_basic_group(call, chat_id) for chat_id in query.id]
    return types.messages.Chats(chats=[render.tl_chat(call.world, chat, call.account) for chat in chats])


@method("channels.GetChannels")
def get_channels(call: Call, query: Any) -> Any:
    """Supergroups by id."""
    chats = [resolve_channel(call, channel) for channel in objects(query.id)]
    return types.messages.Chats(chats=[render.tl_chat(call.world, chat, call.account) for chat in chats])


@method("messages.GetFullChat")
def get_full_chat(call: Call, query: Any) -> Any:
    """A basic group with its members."""
    chat = _basic_group(call, query.chat_id)
    full = types.ChatFull(
        id=chat.id,
        about="",
        participants=types.ChatParticipants(chat_id=chat.id, participants=_participants(chat), version=1),
        notify_settings=types.PeerNotifySettings(),
        available_reactions=_reactions(chat),
    )
    known = render.people(call.world, call.account, [], chat.chat_id, *chat.members)
    return types.messages.ChatFull(full_chat=full, **known)


@method("channels.GetFullChannel")
def get_full_channel(call: Call, query: Any) -> Any:
    """A supergroup with its settings."""
    chat = resolve_channel(call, query.channel)
    mailbox = call.world.mailbox_for(call.account, chat)
    full = types.ChannelFull(
        id=chat.id,
        about="",
        read_inbox_max_id=call.account.read_inbox.get(chat.chat_id, 0),
        read_outbox_max_id=0,
        unread_count=0,
        chat_photo=types.PhotoEmpty(id=0),
        notify_settings=types.PeerNotifySettings(),
        bot_info=[],
        pts=mailbox.pts,
        can_view_participants=True,
        participants_count=len(chat.members),
        available_reactions=_reactions(chat),
    )
    known = render.people(call.world, call.account, [], chat.chat_id, chat.creator_id)
    return types.messages.ChatFull(full_chat=full, **known)


@method("channels.GetParticipants")
def get_participants(call: Call, query: Any) -> Any:
    """A page of the members of a supergroup."""
    chat = resolve_channel(call, query.channel)
    wanted = (getattr(query.filter, "q", "") or "").lower()
    found = [i for i in chat.members if wanted in call.world.accounts[i].first_name.lower()]
    page = found[query.offset : query.offset + min(query.limit, MAX_MEMBERS_PAGE)]
    members = [_channel_participant(chat, member_id) for member_id in page]
    known = render.people(call.world, call.account, [], chat.chat_id, *page)
    return types.channels.ChannelParticipants(count=len(found), participants=members, **known)


@method("channels.GetParticipant")
def get_participant(call: Call, query: Any) -> Any:
    """One member of a supergroup."""
    chat = resolve_channel(call, query.channel)
    member = resolve(call, query.participant)
    if not isinstance(member, Account) or member.id not in chat.members:
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    known = render.people(call.world, call.account, [], chat.chat_id, member.id)
    return types.channels.ChannelParticipant(participant=_channel_participant(chat, member.id), **known)


def _basic_group(call: Call, chat_id: int) -> Chat:
    chat = call.world.chats.get(-chat_id)
    if chat is None or call.account.id not in chat.members:
        raise RpcError(400, "CHAT_ID_INVALID")
    return chat


def _participants(chat: Chat) -> list[Any]:
    return [
        types.ChatParticipantCreator(user_id=member_id)
        if member_id == chat.creator_id
        else types.ChatParticipant(user_id=member_id, inviter_id=chat.creator_id, date=joined)
        for member_id, joined in chat.members.items()
    ]


def _channel_participant(chat: Chat, member_id: int) -> Any:
    if member_id == chat.creator_id:
        return types.ChannelParticipantCreator(user_id=member_id, admin_rights=types.ChatAdminRights())
    return types.ChannelParticipant(user_id=member_id, date=chat.members[member_id])


def _reactions(chat: Chat) -> Any:
    return types.ChatReactionsAll() if chat.reactions else types.ChatReactionsNone()
