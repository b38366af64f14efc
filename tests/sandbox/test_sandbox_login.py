"""Signing in, through ordinary clients: by phone, with a password, by QR code."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pyrogram import Client, errors
from pyrogram.qrlogin import QRLogin

from sandbox import Account, Telegram, trust
from sandbox.tl import functions

from .phones import Connect, wait_until


@asynccontextmanager
async def stranger(telegram: Telegram, workdir: Path, name: str = "new") -> AsyncIterator[Any]:
    """A client without a session, which has to make its key with the server first."""
    factory = trust.connection_factory(telegram.port)
    client = Client(name, api_id=1, api_hash="x", workdir=workdir, connection_factory=factory)
    await client.connect()
    yield client
    await client.disconnect()


async def test_signing_in_by_phone_needs_the_right_code(telegram: Telegram, alice: Account, tmp_path: Path) -> None:
    async with stranger(telegram, tmp_path) as client:
        sent = await client.send_phone_number_code("+7 999 000-00-01")
        assert sent.type.name == "APP"
        with pytest.raises(errors.PhoneCodeInvalid):
            await client.sign_in("+79990000001", sent.phone_code_hash, "00000")
        assert (await client.sign_in("+79990000001", sent.phone_code_hash, "22222")).id == alice.id


async def test_a_sign_in_can_be_moved_to_our_data_centre_and_its_session_file_then_leads_here(
    telegram: Telegram, alice: Account, tmp_path: Path
) -> None:
    telegram.dc_id = 4
    telegram.send_voice(telegram.add_account("Bob"), alice, b"OggS")
    async with stranger(telegram, tmp_path) as client:
        sent = await client.send_phone_number_code(alice.phone)
        await client.sign_in(alice.phone, sent.phone_code_hash, "22222")
    async with Client("new", workdir=tmp_path) as plain:
        assert plain.me is not None
        [dialog] = [dialog async for dialog in plain.get_dialogs()]
        file: Any = await plain.download_media(dialog.top_message, in_memory=True)
        assert (plain.me.id, file.getvalue()) == (alice.id, b"OggS")


async def test_an_unknown_phone_number_gets_its_code_by_sms_and_may_sign_up(telegram: Telegram, tmp_path: Path) -> None:
    async with stranger(telegram, tmp_path) as client:
        with pytest.raises(errors.PhoneNumberInvalid):
            await client.send_phone_number_code("12")
        sent = await client.send_phone_number_code("79990000009")
        assert sent.type.name == "SMS"
        assert await client.sign_in("79990000009", sent.phone_code_hash, "22222") is False
        carol = await client.sign_up("79990000009", sent.phone_code_hash, "Carol")
    assert telegram.world.accounts[carol.id].first_name == "Carol"


async def test_a_password_is_asked_for_and_checked(telegram: Telegram, tmp_path: Path) -> None:
    dave = telegram.add_account("Dave", phone="79990000004", password="correct horse")
    async with stranger(telegram, tmp_path) as client:
        sent = await client.send_phone_number_code(dave.phone)
        with pytest.raises(errors.SessionPasswordNeeded):
            await client.sign_in(dave.phone, sent.phone_code_hash, "22222")
        assert await client.get_password_hint() == "sandbox"
        with pytest.raises(errors.PasswordHashInvalid):
            await client.check_password("wrong")
        assert (await client.check_password("correct horse")).id == dave.id


async def test_a_session_file_without_an_account_lets_one_sign_in_without_a_key_exchange(
    telegram: Telegram, alice: Account, tmp_path: Path
) -> None:
    telegram.write_session(None, tmp_path / "empty.session")
    client: Any = Client("empty", api_id=1, api_hash="x", workdir=tmp_path)
    assert await client.connect() is False
    with pytest.raises(errors.AuthKeyUnregistered):
        await client.get_me()
    sent = await client.send_phone_number_code(alice.phone)
    assert (await client.sign_in(alice.phone, sent.phone_code_hash, "22222")).id == alice.id
    await client.disconnect()


@pytest.mark.parametrize("password", [None, "secret"])
async def test_a_qr_code_is_accepted_by_a_client_that_is_signed_in(
    telegram: Telegram, tmp_path: Path, connect: Connect, password: str | None
) -> None:
    erin = telegram.add_account("Erin", password=password)
    async with stranger(telegram, tmp_path) as client:
        qr: Any = QRLogin(client)
        await qr.recreate()
        waiting = asyncio.create_task(qr.wait(5))
        await wait_until(lambda: client.dispatcher.groups)
        telegram.accept_login_token(erin, qr.url)
        if password is None:
            assert (await waiting).id == erin.id
        else:
            with pytest.raises(errors.SessionPasswordNeeded):
                await waiting
            assert (await client.check_password(password)).id == erin.id


async def test_a_qr_sign_in_can_be_moved_as_well(telegram: Telegram, alice: Account, tmp_path: Path) -> None:
    telegram.dc_id = 4
    async with stranger(telegram, tmp_path) as client:
        qr: Any = QRLogin(client)
        await qr.recreate()
        waiting = asyncio.create_task(qr.wait(5))
        await wait_until(lambda: client.dispatcher.groups)
        telegram.accept_login_token(alice, qr.url)
        assert (await waiting).id == alice.id
        assert await client.storage.port() == telegram.port


async def test_another_client_accepts_the_token_as_a_phone_does(
    telegram: Telegram, alice: Account, tmp_path: Path, connect: Connect
) -> None:
    phone = await connect(alice)
    async with stranger(telegram, tmp_path) as client:
        qr: Any = QRLogin(client)
        await qr.recreate()
        with pytest.raises(errors.AuthTokenInvalid):
            await phone.client.invoke(functions.auth.AcceptLoginToken(token=b"made up"))
        await phone.client.invoke(functions.auth.AcceptLoginToken(token=qr.r.token))
        await qr.recreate()
        assert qr.r.authorization.user.id == alice.id


async def test_who_logs_out_is_a_stranger_again(telegram: Telegram, alice: Account, connect: Connect) -> None:
    phone = await connect(alice)
    await phone.client.log_out()
    assert all(key.account_id is None for key in telegram.world.keys.values())


PROGRAM = """
import asyncio, sys
from pyrogram import Client

async def main():
    client = Client("fresh", api_id=1, api_hash="x", in_memory=True)
    await client.connect()
    sent = await client.send_phone_number_code(sys.argv[1])
    user = await client.sign_in(sys.argv[1], sent.phone_code_hash, "22222")
    print("signed in as", user.first_name)
    await client.disconnect()

asyncio.run(main())
"""


async def test_an_unmodified_program_signs_in_here_when_run_through_sandbox_run(
    telegram: Telegram, alice: Account, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    root = Path(trust.__file__).parent.parent
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.run", str(telegram.port), str(program), alice.phone,
        cwd=root, stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert out.decode().strip() == "signed in as Alice"
