"""The update state, and what was missed since an earlier one."""

from __future__ import annotations

from typing import Any

from . import dialogs, render
from .peers import resolve_channel
from .rpc import Call, method
from .tl import RpcError, types
from .world import Event, Mailbox


@method("updates.GetState")
def get_state(call: Call, query: Any) -> Any:
    """Where the caller's updates stand."""
    return render.state(call.account.mailbox.pts, call.telegram.date())


@method("updates.GetDifference")
def get_difference(call: Call, query: Any) -> Any:
    """What happened in private chats and basic groups since a pts, in pages."""
    mailbox = call.account.mailbox
    events = mailbox.since(query.pts)
    if not events:
        return types.updates.DifferenceEmpty(date=call.telegram.date(), seq=0)
    if len(events) > (query.pts_total_limit or call.telegram.too_long_after or len(events)):
        return types.updates.DifferenceTooLong(pts=mailbox.pts)
    page_size = min(query.pts_limit or call.telegram.difference_page, call.telegram.difference_page)
    page = events[:page_size]
    content = _content(call, mailbox, page)
    if len(page) == len(events):
        return types.updates.Difference(
            new_encrypted_messages=[], state=render.state(mailbox.pts, call.telegram.date()), **content
        )
    reached = render.state(page[-1].pts, call.telegram.date())
    return types.updates.DifferenceSlice(new_encrypted_messages=[], intermediate_state=reached, **content)


@method("updates.GetChannelDifference")
def get_channel_difference(call: Call, query: Any) -> Any:
    """What happened in a supergroup since a pts, in pages."""
    chat = resolve_channel(call, query.channel)
    mailbox = call.world.mailbox_for(call.account, chat)
    if query.pts < 1:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_INVALID")
    events = mailbox.since(query.pts)
    if not events:
        return types.updates.ChannelDifferenceEmpty(pts=mailbox.pts, final=True)
    if len(events) > (call.telegram.too_long_after or len(events)):
        entry = dialogs.render_entries(call, [dialogs.entry(call, chat)])
        return types.updates.ChannelDifferenceTooLong(dialog=entry.pop("dialogs")[0], final=True, **entry)
    page = events[: min(query.limit, call.telegram.difference_page)]
    final = len(page) == len(events)
    content = _content(call, mailbox, page, chat.chat_id)
    return types.updates.ChannelDifference(pts=page[-1].pts, final=final or None, **content)


def _content(call: Call, mailbox: Mailbox, events: list[Event], *peer_ids: int) -> dict[str, list[Any]]:
    """New messages on their own; everything else as the updates that told, or would have told, of it."""
    new = [m for e in events if e.kind == "new" and (m := mailbox.messages.get(e.ids[0]))]
    edited = [m for e in events if e.kind == "edit" and (m := mailbox.messages.get(e.ids[0]))]
    others = [render.tl_event(call.world, event, mailbox, call.account) for event in events if event.kind != "new"]
    return {
        "new_messages": [render.tl_message(call.world, m, mailbox, call.account) for m in new],
        "other_updates": [update for update in others if update is not None],
        **render.people(call.world, call.account, new + edited, *peer_ids, *(e.peer_id for e in events)),
    }
