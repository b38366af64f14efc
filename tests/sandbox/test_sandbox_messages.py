"""Messages between accounts, through ordinary clients."""

from __future__ import annotations

from typing import Any

import pytest
from pyrogram import errors
from pyrogram.raw.core import GzipPacked, MsgContainer

from sandbox import Account, Telegram
from sandbox.tl import functions, types

from .phones import Connect, named, wait_until


async def test_a_text_arrives_with_its_formatting_and_both_sides_number_it_themselves(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    telegram.send_text(bob, bob, "a note that makes Bob's ids differ")
    a, b = await connect(alice), await connect(bob)
    sent = await a.client.send_message("bob_t", "hello **bold**")
    await wait_until(lambda: b.texts() == ["hello bold"])
    assert sent.id == 1
    [seen] = telegram.messages(bob, alice)
    assert (seen.id, seen.sender_id, seen.out) == (2, alice.id, False)
    assert seen.entities == [{"type": "Bold", "offset": 6, "length": 4}]
    assert b.updates[0].message.from_id is None


async def test_replies_edits_deletes_and_reactions_reach_the_other_side(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    a, b = await connect(alice, [bob]), await connect(bob, [alice])
    first = await a.client.send_message(bob.id, "question")
    await wait_until(lambda: b.texts() == ["question"])
    answer = await b.client.send_message(alice.id, "answer", reply_to_message_id=1)
    assert answer.reply_to_message_id == 1
    await wait_until(lambda: a.texts() == ["answer"])
    assert (await a.client.get_messages(bob.id, 2)).reply_to_message.text == "question"
    edited = await b.client.edit_message_text(alice.id, answer.id, "better answer")
    assert edited.text == "better answer"
    await wait_until(lambda: a.got(types.UpdateEditMessage))
    await b.client.send_reaction(alice.id, 1, "👀")
    await wait_until(lambda: a.got(types.UpdateMessageReactions))
    assert (await a.client.get_messages(bob.id, first.id)).reactions.reactions[0].emoji == "👀"
    assert telegram.messages(alice, bob)[0].reactions == {"👀": [bob.id]}
    await b.client.delete_messages(alice.id, answer.id)
    await wait_until(lambda: a.got(types.UpdateDeleteMessages))
    assert [m.text for m in telegram.messages(alice, bob)] == ["question"]


async def test_another_device_of_the_sender_sees_the_message_as_outgoing(
    alice: Account, bob: Account, connect: Connect
) -> None:
    a, tablet = await connect(alice, [bob]), await connect(alice)
    await a.client.send_message(bob.id, "from the phone")
    await wait_until(lambda: tablet.texts() == ["from the phone"])
    assert tablet.updates[0].message.out is True
    assert a.texts() == []


async def test_saved_messages_are_a_chat_with_oneself(telegram: Telegram, alice: Account, connect: Connect) -> None:
    a = await connect(alice)
    await a.client.send_message("me", "note")
    assert [(m.id, m.text) for m in telegram.messages(alice, alice)] == [(1, "note")]
    assert [m.text async for m in a.client.get_chat_history("me")] == ["note"]


@pytest.mark.parametrize(
    ("method", "kind"),
    [("send_voice", "voice"), ("send_video_note", "round"), ("send_audio", "audio"), ("send_video", "video"),
     ("send_document", "document")],
)  # fmt: skip
async def test_media_sent_by_a_client_is_downloaded_unchanged_by_the_other(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect, method: str, kind: str
) -> None:
    data = bytes(range(256)) * 5000  # more than one part up and more than one down
    a, b = await connect(alice, [bob]), await connect(bob, [alice])
    await getattr(a.client, method)(bob.id, named(data, f"{kind}.bin"))
    await wait_until(lambda: b.texts() == [""])
    message = await b.client.get_messages(alice.id, 1)
    assert telegram.messages(bob, alice)[0].media == kind
    file: Any = await b.client.download_media(message, in_memory=True)
    assert file.getvalue() == data
    assert b.texts() == [""], "the media session must not hear the message a second time"


async def test_a_voice_keeps_its_duration_and_waveform(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    telegram.send_voice(alice, bob, b"OggS", duration_s=3, ttl_s=60)
    message = await (await connect(bob, [alice])).client.get_messages(alice.id, 1)
    assert (message.voice.duration, message.voice.mime_type) == (3, "audio/ogg")
    assert len(message.voice.waveform) == 63
    assert message.voice.ttl_seconds == 60


async def test_history_comes_in_pages_in_both_directions(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    for number in range(230):
        telegram.send_text(alice, bob, str(number))
    b = await connect(bob, [alice])
    assert [int(m.text) async for m in b.client.get_chat_history(alice.id)] == list(range(229, -1, -1))
    newer = [m.id async for m in b.client.get_chat_history(alice.id, min_id=100, reverse=True)]
    assert newer == list(range(100, 231))
    assert [m.id async for m in b.client.get_chat_history(alice.id, max_id=10, limit=3)] == [10, 9, 8]


async def test_search_finds_media_by_kind(telegram: Telegram, alice: Account, bob: Account, connect: Connect) -> None:
    telegram.send_text(alice, bob, "text")
    telegram.send_voice(alice, bob, b"v")
    telegram.send_video_note(alice, bob, b"r")
    telegram.send_audio(alice, bob, b"a")
    telegram.send_video(alice, bob, b"f")
    telegram.send_file(alice, bob, b"d")
    b = await connect(bob, [alice])
    peer = await b.client.resolve_peer(alice.id)
    found = {}
    for kind in ("Voice", "RoundVideo", "RoundVoice", "Music", "Video", "Document", "Empty"):
        wanted = getattr(types, f"InputMessagesFilter{kind}")()
        query = functions.messages.Search(
            peer=peer, q="", filter=wanted, min_date=0, max_date=0, offset_id=0, add_offset=0, limit=100, max_id=0,
            min_id=0, hash=0,
        )  # fmt: skip
        found[kind] = [m.id for m in (await b.client.invoke(query)).messages]
    assert found == {
        "Voice": [2], "RoundVideo": [3], "RoundVoice": [3, 2], "Music": [4], "Video": [5], "Document": [6],
        "Empty": [6, 5, 4, 3, 2, 1],
    }  # fmt: skip
    assert [m.text async for m in b.client.search_messages(alice.id, query="TEX")] == ["text"]


async def test_telegrams_refusals_are_ours_too(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    a = await connect(alice, [bob])
    sent = await a.client.send_message(bob.id, "once")
    telegram.send_text(bob, alice, "not Alice's to edit")
    with pytest.raises(errors.MessageTooLong):
        await a.client.send_message(bob.id, "😀" * 2048 + "!")
    await a.client.send_message(bob.id, "😀" * 2048)
    with pytest.raises(errors.MessageEmpty):
        await a.client.send_message(bob.id, " ")
    with pytest.raises(errors.MessageNotModified):
        await a.client.edit_message_text(bob.id, sent.id, "once")
    with pytest.raises(errors.MessageIdInvalid):
        await a.client.edit_message_text(bob.id, 999, "nothing")
    with pytest.raises(errors.MessageAuthorRequired):
        await a.client.edit_message_text(bob.id, 2, "mine now")
    with pytest.raises(errors.UsernameNotOccupied):
        await a.client.send_message("nobody_here", "x")
    with pytest.raises(errors.UsernameInvalid):
        await a.client.invoke(functions.contacts.ResolveUsername(username="?"))
    with pytest.raises(errors.PeerIdInvalid):
        await a.client.send_message(4242, "x")
    with pytest.raises(errors.UserIdInvalid):
        await a.client.invoke(functions.users.GetFullUser(id=types.InputUser(user_id=bob.id, access_hash=1)))
    with pytest.raises(errors.InputMethodInvalid):
        await a.client.invoke(functions.messages.GetAllDrafts())
    assert telegram.unknown_methods == ["messages.GetAllDrafts"]


async def test_a_repeated_random_id_is_answered_with_a_server_error_and_sends_nothing(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    a = await connect(alice, [bob])
    query = functions.messages.SendMessage(peer=await a.client.resolve_peer(bob.id), message="once", random_id=77)
    await a.client.invoke(query)
    with pytest.raises(TimeoutError):
        await a.client.invoke(query, retries=1, retry_delay=0)
    assert len(telegram.messages(alice, bob)) == 1


async def test_file_references_expire_and_a_fresh_message_brings_a_fresh_one(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    telegram.send_voice(alice, bob, b"OggS")
    b = await connect(bob, [alice])
    stale = await b.client.get_messages(alice.id, 1)
    telegram.faults.expire_file_references(bob)
    with pytest.raises(errors.FileReferenceExpired):
        await b.client.download_media(stale, in_memory=True)
    fresh = await b.client.get_messages(alice.id, 1)
    file: Any = await b.client.download_media(fresh, in_memory=True)
    assert file.getvalue() == b"OggS"


async def test_file_references_also_expire_with_time(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    telegram.send_voice(alice, bob, b"OggS")
    b = await connect(bob, [alice])
    message = await b.client.get_messages(alice.id, 1)
    telegram.file_reference_lifetime_s = 0
    with pytest.raises(errors.FileReferenceExpired):
        await b.client.download_media(message, in_memory=True)


async def test_a_big_file_goes_up_and_down_whole(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    data = bytes(11 * 1024 * 1024)  # from 10 MiB on kurigram uploads in another way
    a, b = await connect(alice, [bob]), await connect(bob, [alice])
    await a.client.send_document(bob.id, named(data, "big.bin"))
    assert telegram.call_count("upload.SaveBigFilePart", alice) == 22
    file: Any = await b.client.download_media(await b.client.get_messages(alice.id, 1), in_memory=True)
    assert file.getvalue() == data


async def test_a_voice_can_be_sent_again_by_its_file_id(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    a = await connect(alice, [bob])
    first = await a.client.send_voice("me", named(b"OggS", "voice.ogg"))
    await a.client.send_voice(bob.id, first.voice.file_id)
    assert telegram.messages(bob, alice)[0].media == "voice"


async def test_containers_and_packed_requests_are_understood(
    telegram: Telegram, alice: Account, connect: Connect
) -> None:
    session = (await connect(alice)).client.session
    state = await session.send(GzipPacked(functions.updates.GetState()))
    assert type(state).__name__ == "State"
    inside = await session.msg_factory.create(functions.updates.GetDifference(pts=1, date=0, qts=0))
    await session.send(MsgContainer([inside]), wait_response=False)
    await wait_until(lambda: telegram.call_count("updates.GetDifference") == 1)


async def test_a_client_that_wants_no_updates_is_sent_none(
    telegram: Telegram, alice: Account, connect: Connect
) -> None:
    await connect(alice, no_updates=True)
    assert not telegram.connected(alice)


async def test_messages_can_be_counted(telegram: Telegram, alice: Account, bob: Account, connect: Connect) -> None:
    for number in range(3):
        telegram.send_text(alice, bob, str(number))
    assert await (await connect(bob, [alice])).client.get_chat_history_count(alice.id) == 3
