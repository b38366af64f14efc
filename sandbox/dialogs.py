"""The list of chats."""

from __future__ import annotations

from typing import Any

from . import render
from .peers import resolve
from .rpc import Call, method
from .tl import types
from .world import Account, Chat, Message

Entry = tuple[Account | Chat, int, Message | None]

MAX_PAGE = 100


@method("messages.GetDialogs")
def get_dialogs(call: Call, query: Any) -> Any:
    """A page of the chats of an account, the latest first."""
    entries = [] if query.folder_id else _entries(call)
    if not isinstance(query.offset_peer, types.InputPeerEmpty):
        seen = resolve(call, query.offset_peer)
        position = next((n for n, entry in enumerate(entries) if entry[0] is seen), -1)
        entries = entries[position + 1 :]
    page = entries[: min(query.limit or MAX_PAGE, MAX_PAGE)]
    if len(page) == len(entries):
        return types.messages.Dialogs(**render_entries(call, page))
    return types.messages.DialogsSlice(count=len(entries), **render_entries(call, page))


@method("messages.GetPinnedDialogs")
def get_pinned_dialogs(call: Call, query: Any) -> Any:
    """Nothing is pinned here."""
    return types.messages.PeerDialogs(
        state=render.state(call.account.mailbox.pts, call.telegram.date()), **render_entries(call, [])
    )


@method("messages.GetPeerDialogs")
def get_peer_dialogs(call: Call, query: Any) -> Any:
    """The list entries of certain chats."""
    peers = [resolve(call, item.peer) for item in query.peers]
    entries = [entry(call, peer) for peer in peers]
    return types.messages.PeerDialogs(
        state=render.state(call.account.mailbox.pts, call.telegram.date()), **render_entries(call, entries)
    )


def _entries(call: Call) -> list[Entry]:
    account = call.account
    partners = {message.peer_for(account.id) for message in account.mailbox.messages.values()}
    peers: list[Account | Chat] = [call.world.accounts[i] for i in partners if i > 0]
    peers += [chat for chat in call.world.chats.values() if account.id in chat.members]
    return sorted((entry(call, peer) for peer in peers), key=_latest_first)


def _latest_first(entry: Entry) -> tuple[int, int]:
    _, message_id, message = entry
    return (-message.date if message else 0, -message_id)


def entry(call: Call, peer: Account | Chat) -> Entry:
    """A chat with its latest message."""
    found = call.world.history(call.account, peer)
    return (peer, *found[0]) if found else (peer, 0, None)


def render_entries(call: Call, entries: list[Entry]) -> dict[str, list[Any]]:
    """Entries with the messages, users and chats they speak of."""
    account = call.account
    messages = [
        render.tl_message(call.world, message, call.world.mailbox_for(account, peer), account)
        for peer, _, message in entries
        if message is not None
    ]
    told = [message for _, _, message in entries if message is not None]
    return {
        "dialogs": [_dialog(call, peer, message_id) for peer, message_id, _ in entries],
        "messages": messages,
        **render.people(call.world, account, told, *(peer.chat_id for peer, _, _ in entries)),
    }


def _dialog(call: Call, peer: Account | Chat, top_message: int) -> Any:
    read = call.account.read_inbox.get(peer.chat_id, 0)
    found = call.world.history(call.account, peer)
    unread = [m for i, m in found if i > read and m.sender_id != call.account.id]
    mailbox = call.world.mailbox_for(call.account, peer)
    return types.Dialog(
        peer=render.tl_peer(call.world, peer.chat_id),
        top_message=top_message,
        read_inbox_max_id=read,
        read_outbox_max_id=call.account.read_outbox.get(peer.chat_id, 0),
        unread_count=len(unread),
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=types.PeerNotifySettings(),
        pts=mailbox.pts if mailbox.owner_id < 0 else None,
    )
