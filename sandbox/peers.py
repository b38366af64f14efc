"""Who is meant: InputPeer, InputUser, InputChannel and usernames; and what can be learned about people."""

from __future__ import annotations

import re
from typing import Any

from . import render
from .rpc import Call, method
from .tl import RpcError, VectorResult, objects, types
from .world import ZERO_CHANNEL_ID, Account, Chat

USERNAME = re.compile(r"[a-z][a-z0-9_]{2,31}", re.IGNORECASE)


def resolve(call: Call, peer: Any) -> Account | Chat:
    """The account or chat an InputPeer points to, if the caller may know it."""
    if isinstance(peer, types.InputPeerSelf | types.InputUserSelf):
        return call.account
    if hasattr(peer, "user_id"):
        return resolve_user(call, peer, "PEER_ID_INVALID")
    if hasattr(peer, "channel_id"):
        return resolve_channel(call, peer)
    chat = call.world.chats.get(-getattr(peer, "chat_id", 0))
    if chat is None or call.account.id not in chat.members:
        raise RpcError(400, "PEER_ID_INVALID")
    return chat


def resolve_user(call: Call, user: Any, error: str = "USER_ID_INVALID") -> Account:
    """The account an InputUser points to; its access hash has to be the caller's own."""
    if isinstance(user, types.InputPeerSelf | types.InputUserSelf):
        return call.account
    account = call.world.accounts.get(getattr(user, "user_id", 0))
    if account is None or not _hash_matches(call, user, account.id):
        raise RpcError(400, error)
    return account


def resolve_channel(call: Call, channel: Any) -> Chat:
    """The supergroup an InputChannel points to, if the caller is in it."""
    chat = call.world.chats.get(ZERO_CHANNEL_ID - getattr(channel, "channel_id", 0))
    if chat is None or not _hash_matches(call, channel, chat.chat_id):
        raise RpcError(400, "CHANNEL_INVALID")
    if call.account.id not in chat.members:
        raise RpcError(400, "CHANNEL_PRIVATE")
    return chat


def _hash_matches(call: Call, peer: Any, peer_id: int) -> bool:
    # "…FromMessage" peers carry no hash: having seen the message is the proof
    expected = call.world.access_hash(call.account.id, peer_id)
    return getattr(peer, "access_hash", expected) == expected


@method("users.GetUsers")
def get_users(call: Call, query: Any) -> Any:
    """The users among these that the caller may know."""
    found = []
    for user in objects(query.id):
        try:
            found.append(render.tl_user(call.world, resolve_user(call, user), call.account))
        except RpcError:
            continue  # Telegram leaves out whom one may not know
    return VectorResult(found)


@method("users.GetFullUser")
def get_full_user(call: Call, query: Any) -> Any:
    """The profile of a user."""
    account = resolve_user(call, query.id)
    full = types.UserFull(
        id=account.id,
        settings=types.PeerSettings(),
        notify_settings=types.PeerNotifySettings(),
        common_chats_count=0,
    )
    return types.users.UserFull(full_user=full, **render.people(call.world, call.account, [], account.id))


@method("contacts.ResolveUsername")
def resolve_username(call: Call, query: Any) -> Any:
    """Whose username this is."""
    if not USERNAME.fullmatch(query.username.removeprefix("@")):
        raise RpcError(400, "USERNAME_INVALID")
    peer = call.world.by_username(query.username)
    if peer is None:
        raise RpcError(400, "USERNAME_NOT_OCCUPIED")
    return _resolved(call, peer)


@method("contacts.ResolvePhone")
def resolve_phone(call: Call, query: Any) -> Any:
    """Whose phone number this is."""
    account = call.world.by_phone(query.phone)
    if account is None:
        raise RpcError(400, "PHONE_NOT_OCCUPIED")
    return _resolved(call, account)


@method("contacts.GetContacts")
def get_contacts(call: Call, query: Any) -> Any:
    """Nobody keeps an address book here."""
    return types.contacts.Contacts(contacts=[], saved_count=0, users=[])


def _resolved(call: Call, peer: Account | Chat) -> Any:
    known = render.people(call.world, call.account, [], peer.chat_id)
    return types.contacts.ResolvedPeer(peer=render.tl_peer(call.world, peer.chat_id), **known)
