"""What goes wrong on request, as an ordinary client meets it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from pyrogram import Client, errors
from pyrogram.session import Session

from sandbox import Account, Telegram
from sandbox.tl import functions, types

from .phones import Connect, Phone, wait_until


async def back(telegram: Telegram, account: Account, phone: Phone) -> None:
    """Wait until a client that lost its connection is ready again."""
    await wait_until(lambda: telegram.connected(account))
    await phone.client.session.is_started.wait()


async def test_an_injected_error_hits_the_next_calls_of_its_account_and_then_ends(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    a, b = await connect(alice, [bob]), await connect(bob, [alice])
    telegram.faults.error("messages.SendMessage", 400, "PEER_FLOOD", count=2, account=alice)
    await b.client.send_message(alice.id, "unharmed")
    for _ in range(2):
        with pytest.raises(errors.PeerFlood):
            await a.client.send_message(bob.id, "x")
    await a.client.send_message(bob.id, "through")
    assert telegram.call_count("messages.SendMessage", alice) == 3


async def test_flood_wait_says_how_long(telegram: Telegram, alice: Account, connect: Connect) -> None:
    a = await connect(alice)
    telegram.faults.flood("messages.SendMessage", 60)
    with pytest.raises(errors.FloodWait) as flood:
        await a.client.send_message("me", "x")
    assert flood.value.value == 60


async def test_an_answer_can_get_lost_although_the_call_took_effect(
    telegram: Telegram, alice: Account, connect: Connect
) -> None:
    a = await connect(alice)
    telegram.faults.lose_answer("messages.SendMessage")
    with pytest.raises(TimeoutError):
        await a.client.invoke(
            functions.messages.SendMessage(peer=types.InputPeerSelf(), message="once", random_id=5),
            retries=1, timeout=0.2, retry_delay=0,
        )  # fmt: skip
    assert [m.text for m in telegram.messages(alice, alice)] == ["once"]


async def test_a_client_comes_back_after_its_connection_was_cut_with_an_answer(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    a = await connect(alice, [bob])
    telegram.faults.lose_answer("messages.SendMessage", cut=True)
    with pytest.raises(TimeoutError):
        await a.client.invoke(
            functions.messages.SendMessage(peer=types.InputPeerSelf(), message="once", random_id=5),
            retries=1, timeout=0.2, retry_delay=0,
        )  # fmt: skip
    await back(telegram, alice, a)
    await a.client.send_message(bob.id, "back")
    assert [m.text for m in telegram.messages(bob, alice)] == ["back"]


async def test_a_method_can_be_slow(telegram: Telegram, alice: Account, connect: Connect) -> None:
    a = await connect(alice)
    telegram.faults.delay("messages.SendMessage", 0.3)
    before = time.monotonic()
    await a.client.send_message("me", "x")
    assert time.monotonic() - before >= 0.3


async def test_updates_missed_while_cut_off_come_only_from_the_difference(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    b = await connect(bob, skip_updates=False)
    telegram.send_text(alice, bob, "before")
    await wait_until(lambda: b.texts() == ["before"])
    telegram.faults.cut(bob)
    telegram.send_text(alice, bob, "missed")
    telegram.faults.swallow_updates(count=1, account=bob)
    telegram.send_text(alice, bob, "swallowed")
    await back(telegram, bob, b)
    assert b.texts() == ["before"]
    await b.client.recover_gaps()
    await wait_until(lambda: b.texts() == ["before", "missed", "swallowed"])


async def test_with_resend_a_session_gets_what_it_missed(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    telegram.resend = True
    b = await connect(bob)
    telegram.faults.cut(bob)
    telegram.send_text(alice, bob, "missed")
    await wait_until(lambda: b.texts() == ["missed"])


async def test_swallowed_updates_can_leave_a_note_that_there_is_too_much_to_tell(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    club = telegram.add_supergroup("Club", [alice, bob])
    b = await connect(bob)
    telegram.faults.swallow_updates(seconds=60, account=bob, too_long=True)
    telegram.send_text(alice, bob, "unheard")
    telegram.send_text(alice, club, "unheard")
    await wait_until(lambda: b.got(types.UpdateChannelTooLong))
    assert b.texts() == []


async def test_differences_come_in_pages_and_tell_of_edits_and_deletes(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    telegram.difference_page = 3
    club = telegram.add_supergroup("Club", [alice, bob])
    b = await connect(bob, [club], skip_updates=False)
    telegram.send_text(alice, club, "first")
    await wait_until(lambda: b.texts() == ["first"])
    telegram.faults.swallow_updates(seconds=60)
    for number in range(7):
        telegram.send_text(alice, club, str(number))
        telegram.send_text(alice, bob, f"p{number}")
    telegram.edit(alice, club, 1, "edited")
    telegram.delete(alice, club, 2)
    await b.client.recover_gaps()
    expected = ["first", *(f"p{n}" for n in range(7)), *map(str, range(1, 7))]
    await wait_until(lambda: sorted(b.texts()) == sorted(expected))
    await wait_until(lambda: b.got(types.UpdateDeleteChannelMessages))
    assert b.got(types.UpdateEditChannelMessage)[0].message.message == "edited"
    assert telegram.call_count("updates.GetDifference") == 3 + 1  # one at the start


async def test_a_difference_can_be_too_long_to_tell(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    telegram.too_long_after = 2
    club = telegram.add_supergroup("Club", [alice, bob])
    b = await connect(bob, [club])
    for chat in (bob, bob, bob, club, club, club):
        telegram.faults.swallow_updates(count=2)
        telegram.send_text(alice, chat, "unheard")
    query = functions.updates.GetDifference(pts=1, date=0, qts=0)
    assert (await b.client.invoke(query)).pts == bob.mailbox.pts
    query = functions.updates.GetChannelDifference(
        channel=await b.client.resolve_peer(club.chat_id), filter=types.ChannelMessagesFilterEmpty(), pts=1, limit=100
    )
    answer = await b.client.invoke(query)
    assert (type(answer).__name__, answer.dialog.top_message) == ("ChannelDifferenceTooLong", 3)


async def test_refused_connections_fail_at_once_and_existing_ones_end(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    a = await connect(alice, [bob])
    telegram.faults.refuse(60)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", telegram.port)
    telegram.faults.clear()
    await back(telegram, alice, a)
    await a.client.send_message(bob.id, "back")


async def test_who_is_cut_off_for_a_while_is_cut_again_on_every_attempt(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    a, b = await connect(alice, [bob]), await connect(bob, [alice])
    telegram.faults.cut(alice, seconds=60)
    assert not telegram.connected(alice)
    await b.client.send_message(alice.id, "are you there?")
    telegram.faults.clear()
    await back(telegram, alice, a)
    assert [m.text async for m in a.client.get_chat_history(bob.id)] == ["are you there?"]


async def test_refusing_ends_by_itself(telegram: Telegram) -> None:
    telegram.faults.refuse(0.2)
    before = time.monotonic()
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", telegram.port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
        else:
            break
    writer.close()
    assert time.monotonic() - before >= 0.2


async def test_nonsense_on_the_wire_ends_only_its_own_connection(
    telegram: Telegram, alice: Account, connect: Connect
) -> None:
    a = await connect(alice)
    [key] = telegram.world.keys
    packets = (b"GET / HTTP/1.0\r\n", b"\xef\x04" + bytes(16), b"\xef\x08" + key + bytes(24), b"\xef\x02" + key)
    for packet in packets:
        reader, writer = await asyncio.open_connection("127.0.0.1", telegram.port)
        writer.write(packet)
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
    assert await a.client.get_me()


async def test_in_a_black_hole_nothing_is_answered_and_nothing_arrives(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect
) -> None:
    a, b = await connect(alice, [bob]), await connect(bob, [alice])
    telegram.faults.black_hole(60, account=alice)
    with pytest.raises(TimeoutError):
        await a.client.invoke(functions.updates.GetState(), retries=1, timeout=0.2, retry_delay=0)
    await b.client.send_message(alice.id, "into the void")
    assert a.texts() == []
    telegram.faults.clear()
    assert await a.client.get_me()


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("AUTH_KEY_UNREGISTERED", errors.AuthKeyUnregistered),
        ("SESSION_REVOKED", errors.SessionRevoked),
        ("USER_DEACTIVATED", errors.UserDeactivated),
        ("AUTH_KEY_DUPLICATED", errors.AuthKeyDuplicated),
    ],
)
async def test_a_revoked_session_gets_its_reason_on_every_call(
    telegram: Telegram, alice: Account, connect: Connect, reason: str, error: Any
) -> None:
    a = await connect(alice)
    telegram.faults.revoke(alice, reason)
    for _ in range(2):
        with pytest.raises(error):
            await a.client.send_message("me", "x")


async def test_a_forgotten_key_gets_the_transport_error_404(
    telegram: Telegram, alice: Account, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    a = await connect(alice)
    telegram.faults.forget_key(alice)
    with pytest.raises(TimeoutError):
        await a.client.invoke(functions.updates.GetState(), retries=1, timeout=0.2, retry_delay=0)
    assert "AuthKeyNotFound" in repr(a.client.session.recv_task.exception())
    a.client.session.recv_task = None


async def test_files_can_come_short_and_downloads_can_stall(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    telegram.send_voice(alice, bob, bytes(5000))
    b = await connect(bob, [alice])
    message = await b.client.get_messages(alice.id, 1)
    telegram.faults.truncate_files(keep_bytes=1000, count=1)
    file: Any = await b.client.download_media(message, in_memory=True)
    assert len(file.getvalue()) == 1000 < message.voice.file_size
    telegram.faults.stall_downloads(60)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(b.client.download_media(message, in_memory=True), 0.3)


async def test_a_client_whose_clock_is_late_learns_the_time_when_it_connects(
    telegram: Telegram, alice: Account, connect: Connect
) -> None:
    telegram.faults.clock_offset(3600)
    a = await connect(alice)
    sent = await a.client.send_message("me", "what time is it?")
    assert sent.date.timestamp() - time.time() > 3500


async def test_a_client_whose_clock_runs_ahead_is_told_so_on_every_call(
    telegram: Telegram, alice: Account, connect: Connect
) -> None:
    a = await connect(alice)
    telegram.faults.clock_offset(-100)
    answer = await a.client.invoke(functions.updates.GetState())
    assert (type(answer).__name__, answer.error_code) == ("BadMsgNotification", 17)
    assert telegram.call_count("updates.GetState", alice) == 1, "only the one at the start was accepted"


async def test_a_restart_keeps_accounts_keys_messages_files_and_pts(tmp_path: Path) -> None:
    state = tmp_path / "telegram.state"
    async with Telegram(state) as telegram:
        port = telegram.port
        alice, bob = telegram.add_account("Alice"), telegram.add_account("Bob")
        telegram.write_session(bob, tmp_path / "bob.session", knows=[alice])
        telegram.send_voice(alice, bob, b"OggS")
        pts = bob.mailbox.pts
    async with Telegram(state) as again, Client("bob", workdir=tmp_path) as client:
        assert again.port == port
        assert again.world.accounts[bob.id].mailbox.pts == pts
        message = await client.get_messages(alice.id, 1)
        file: Any = await client.download_media(message, in_memory=True)
        assert file.getvalue() == b"OggS"


async def test_a_client_survives_a_restart_and_goes_on_hearing_updates(
    telegram: Telegram, alice: Account, bob: Account, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "RETRY_DELAY", 0.1)
    b = await connect(bob, [alice])
    await telegram.restart()
    await wait_until(lambda: telegram.connected(bob))
    telegram.send_text(alice, bob, "after the restart")
    await wait_until(lambda: b.texts() == ["after the restart"])
