"""The sandbox as a process of its own, driven through its control port."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pyrogram import Client, errors

import sandbox
from sandbox import Telegram
from sandbox.control import Control, ControlError, ControlServer

from .phones import Phone, wait_until

ROOT = Path(sandbox.__file__).parent.parent


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[dict[str, int]]:
    """`python -m sandbox …`, ended by SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_process_keeps_its_state_and_its_port(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    async with running("--state", state) as ports, Control(ports["control_port"]) as control:
        alice = await control.add_account(first_name="Alice", username="alice_t")
        await control.add_account(first_name="Bob", username="bob_t")
        await control.write_session(account="bob_t", path=tmp_path / "bob.session", knows=["alice_t"])
        sent = await control.send_voice(sender="alice_t", to="bob_t", data=b"OggS", duration_s=3)
        assert sent == 1
    async with running("--state", state) as again, Client("bob", workdir=tmp_path) as client:
        assert again["port"] == ports["port"]
        message = await client.get_messages(alice["id"], sent)
        file: Any = await client.download_media(message, in_memory=True)
        assert (message.voice.duration, file.getvalue()) == (3, b"OggS")


@pytest.fixture
async def control(telegram: Telegram) -> AsyncIterator[Control]:
    server = ControlServer(telegram)
    await server.start()
    async with Control(server.port) as control:
        yield control
    await server.stop()


async def test_the_control_port_sets_the_scene_and_tells_what_happened(
    telegram: Telegram, control: Control, tmp_path: Path
) -> None:
    alice = await control.add_account(first_name="Alice", username="alice_t", phone="79990000001")
    bob = await control.add_account(first_name="Bob", username="bob_t")
    family = await control.add_group(title="Family", members=[alice["id"], "bob_t"])
    club = await control.add_supergroup(title="Club", members=["alice_t", "bob_t"], reactions=False)
    assert [chat["chat_id"] for chat in await control.chats()] == [family["chat_id"], club["chat_id"]]
    await control.write_session(account="alice_t", path=tmp_path / "alice.session", knows=[bob["id"]])
    client = Client("alice", workdir=tmp_path)
    phone = Phone(client)
    async with client:
        await client.send_message(bob["id"], "**hello**")
        first = await control.send_text(sender="bob_t", to="alice_t", text="hi", reply_to=1)
        await wait_until(lambda: phone.texts() == ["hi"])
        await control.edit(account="bob_t", peer="alice_t", message_id=first, text="hi Alice")
        await control.react(account="bob_t", peer="alice_t", message_id=1, emoji="👀")
        (tmp_path / "song").write_bytes(b"ID3")
        await control.send_audio(sender="bob_t", to=club["chat_id"], data={"path": str(tmp_path / "song")})
        hello, hi = await control.messages(viewer="alice_t", peer="bob_t")
        assert (hello["entities"], hello["reactions"]) == (
            [{"type": "Bold", "offset": 0, "length": 5}],
            {"👀": [bob["id"]]},
        )
        assert (hi["text"], hi["reply_to"], hi["edited"]) == ("hi Alice", 1, True)
        await control.delete(account="alice_t", peer="bob_t", message_id=1)
        assert len(await control.messages(viewer="bob_t", peer="alice_t")) == 1
        assert (await control.messages(viewer="bob_t", peer=club["chat_id"]))[0]["media"] == "audio"
        await control.error(method="messages.SendMessage", code=400, message="PEER_FLOOD", account="alice_t")
        with pytest.raises(errors.PeerFlood):
            await client.send_message(bob["id"], "x")
        await control.clear()
        await client.send_message(bob["id"], "x")
    assert (await control.counts(account="alice_t"))["messages.SendMessage"] == 3
    assert [alice["id"], "messages.SendMessage"] in [call[:2] for call in await control.calls()]


async def test_the_control_port_answers_mistakes_and_goes_on(telegram: Telegram, control: Control) -> None:
    with pytest.raises(ControlError, match="no such verb: dance"):
        await control.dance()
    with pytest.raises(ControlError, match="no such account or chat: nobody"):
        await control.send_text(sender="nobody", to="nobody", text="x")
    await control.add_account(first_name="Alice", username="alice_t")
    with pytest.raises(ControlError, match="MESSAGE_TOO_LONG"):
        await control.send_text(sender="alice_t", to="alice_t", text="x" * 4097)
    await control.settings(resend=True, difference_page=5)
    assert (telegram.resend, telegram.difference_page) == (True, 5)
    assert await control.ping() == "pong"


async def test_every_fault_can_be_set_through_the_control_port(telegram: Telegram, control: Control) -> None:
    await control.add_account(first_name="Alice", username="alice_t")
    alice = {"account": "alice_t"}
    await control.flood(method="*", seconds=3, **alice)
    await control.delay(method="*", seconds=1, count=1, **alice)
    await control.lose_answer(method="*", cut=True, **alice)
    await control.black_hole(seconds=60, **alice)
    await control.swallow_updates(count=3, too_long=True, **alice)
    await control.truncate_files(keep_bytes=10, **alice)
    await control.stall_downloads(seconds=60, **alice)
    await control.cut(seconds=60, **alice)
    kinds = {rule.kind for rule in telegram.faults.rules}
    assert kinds == {"error", "delay", "lose_answer", "black_hole", "swallow", "truncate", "down"}
    await control.refuse(seconds=60)
    await control.clock_offset(seconds=100)
    await control.clear()
    assert telegram.faults.rules == []
    await control.expire_file_references()
    await control.revoke(reason="SESSION_REVOKED", **alice)
    await control.forget_key(**alice)
    await control.restart()
