"""Basic groups, supergroups and the list of chats, through ordinary clients."""

from __future__ import annotations

import pytest
from pyrogram import enums, errors

from sandbox import Account, Telegram
from sandbox.tl import types

from .phones import Connect, wait_until


async def test_a_basic_group_delivers_to_every_member_with_ids_of_their_own(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    carol = telegram.add_account("Carol")
    group = telegram.add_group("Family", [alice, bob, carol])
    telegram.send_text(bob, bob, "a note that makes Bob's ids differ")
    a, b, c = await connect(alice), await connect(bob), await connect(carol)
    sent = await a.client.send_message(group.chat_id, "dinner")
    await wait_until(lambda: b.texts() == c.texts() == ["dinner"])
    assert sent.chat.id == group.chat_id < 0
    update = b.got(types.UpdateNewMessage)[0]
    assert (update.message.id, update.message.from_id.user_id) == (2, alice.id)
    reply = await b.client.send_message(group.chat_id, "coming", reply_to_message_id=2)
    assert reply.reply_to_message_id == 2
    assert telegram.messages(alice, group)[1].reply_to == 1
    members = [m.user.first_name async for m in a.client.get_chat_members(group.chat_id)]
    assert members == ["Alice", "Bob", "Carol"]


async def test_a_supergroup_numbers_its_messages_once_for_all(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    club = telegram.add_supergroup("Club", [alice, bob])
    a, b = await connect(alice, [club]), await connect(bob, [club])
    sent = await a.client.send_message(club.chat_id, "hello")
    await wait_until(lambda: b.texts() == ["hello"])
    [update] = b.got(types.UpdateNewChannelMessage)
    assert (update.message.id, update.message.peer_id.channel_id) == (sent.id, club.id)
    assert str(sent.chat.id).startswith("-100")
    reply = await b.client.send_message(club.chat_id, "hi", reply_to_message_id=sent.id)
    assert (await a.client.get_messages(club.chat_id, reply.id)).reply_to_message.text == "hello"
    await a.client.edit_message_text(club.chat_id, sent.id, "hello all")
    await wait_until(lambda: b.got(types.UpdateEditChannelMessage))
    assert [m.text async for m in b.client.get_chat_history(club.chat_id)] == ["hi", "hello all"]
    await a.client.delete_messages(club.chat_id, [sent.id, reply.id])
    await wait_until(lambda: b.got(types.UpdateDeleteChannelMessages))
    assert telegram.messages(bob, club) == []


async def test_the_members_of_a_supergroup_can_be_listed_and_looked_up(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    club = telegram.add_supergroup("Club", [alice, bob])
    a = await connect(alice, [club, bob])
    assert [m.user.id async for m in a.client.get_chat_members(club.chat_id)] == [alice.id, bob.id]
    member = await a.client.get_chat_member(club.chat_id, "me")
    assert member.status == enums.ChatMemberStatus.OWNER
    assert (await a.client.get_chat(club.chat_id)).members_count == 2
    assert (await a.client.get_chat(bob.id)).first_name == "Bob"


async def test_who_is_put_out_of_a_supergroup_is_told_it_is_private(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    club = telegram.add_supergroup("Club", [alice, bob])
    b = await connect(bob, [club])
    telegram.remove_member(club, bob)
    with pytest.raises(errors.ChannelPrivate):
        await b.client.send_message(club.chat_id, "let me in")
    telegram.add_member(club, bob)
    await b.client.send_message(club.chat_id, "thanks")


@pytest.mark.parametrize("kind", ["add_group", "add_supergroup"])
async def test_a_group_may_forbid_reactions(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect, kind: str
) -> None:
    chat = getattr(telegram, kind)("Quiet", [alice, bob], reactions=False)
    telegram.send_text(alice, chat, "hello")
    b = await connect(bob, [chat])
    with pytest.raises(errors.ReactionInvalid):
        await b.client.send_reaction(chat.chat_id, 1, "👀")
    assert (await b.client.get_chat(chat.chat_id)).available_reactions is None


async def test_the_list_of_chats_has_the_latest_first_and_counts_the_unread(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    group, club = telegram.add_group("Family", [alice, bob]), telegram.add_supergroup("Club", [alice, bob])
    telegram.send_text(alice, bob, "one")
    telegram.send_text(alice, bob, "two")
    b = await connect(bob)
    found = {d.chat.id: d async for d in b.client.get_dialogs()}
    assert set(found) == {alice.id, group.chat_id, club.chat_id}
    assert next(iter(found)) == alice.id
    assert found[alice.id].unread_messages_count == 2
    assert found[alice.id].top_message.text == "two"
    await b.client.send_message(club.chat_id, "dialogs make peers known")


async def test_read_marks_reach_the_sender_and_typing_reaches_the_chat(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    club = telegram.add_supergroup("Club", [alice, bob])
    telegram.send_text(alice, bob, "read me")
    telegram.send_text(alice, club, "read me")
    a, b = await connect(alice, [bob, club]), await connect(bob, [alice, club])
    await b.client.read_chat_history(alice.id)
    await b.client.read_chat_history(club.chat_id)
    await wait_until(lambda: a.got(types.UpdateReadHistoryOutbox))
    assert a.got(types.UpdateReadHistoryOutbox)[0].max_id == 1
    dialogs = {d.chat.id: d.unread_messages_count async for d in b.client.get_dialogs()}
    assert dialogs == {alice.id: 0, club.chat_id: 0}
    await b.client.send_chat_action(alice.id, enums.ChatAction.RECORD_AUDIO)
    await b.client.send_chat_action(club.chat_id, enums.ChatAction.TYPING)
    await wait_until(lambda: a.got(types.UpdateUserTyping) and a.got(types.UpdateChannelUserTyping))


async def test_a_public_supergroup_is_found_by_its_username(
    telegram: Telegram, alice: Account, connect: Connect
) -> None:
    club = telegram.add_supergroup("Club", [alice], username="the_club")
    a = await connect(alice)
    assert (await a.client.send_message("the_club", "hello")).chat.id == club.chat_id
