"""What Telegram's raw messages mean to us."""

from __future__ import annotations

from typing import Any

import pytest
from pyrogram import raw

from transcriber import inbox
from transcriber.voice import Kind

T: Any = raw.types
ME, ANNA = 10, 11


def message(*attributes: Any, mime_type: str = "audio/ogg", **changes: Any) -> Any:
    """A message of Anna's with a file, in the private chat with her."""
    document = T.Document(
        id=5,
        access_hash=6,
        file_reference=b"",
        date=0,
        mime_type=mime_type,
        size=77,
        dc_id=2,
        attributes=list(attributes),
    )
    values = {
        "id": 3,
        "peer_id": T.PeerUser(user_id=ANNA),
        "date": 1_700_000_000,
        "message": "",
        "media": T.MessageMediaDocument(document=document, ttl_seconds=changes.pop("ttl_seconds", None)),
    }
    return T.Message(**{**values, **changes})


VOICE = T.DocumentAttributeAudio(duration=4, voice=True)
ROUND = T.DocumentAttributeVideo(duration=5, w=1, h=1, round_message=True)


@pytest.mark.parametrize(
    ("attributes", "mime_type", "kind"),
    [
        ([VOICE], "audio/ogg", Kind.VOICE),
        ([T.DocumentAttributeAudio(duration=4)], "audio/mpeg", Kind.AUDIO),
        ([ROUND], "video/mp4", Kind.VIDEO_NOTE),
        ([T.DocumentAttributeVideo(duration=5, w=1, h=1)], "video/mp4", Kind.VIDEO),
        ([], "audio/x-wav", Kind.AUDIO),
        ([T.DocumentAttributeFilename(file_name="a.mkv")], "video/x-matroska", Kind.VIDEO),
    ],
)
def test_every_kind_of_voice_is_known(attributes: list[Any], mime_type: str, kind: Kind) -> None:
    voice = inbox.voice_of(message(*attributes, mime_type=mime_type), ME)
    assert voice is not None
    assert voice.kind is kind


@pytest.mark.parametrize(
    "other",
    [
        message(T.DocumentAttributeFilename(file_name="a.pdf"), mime_type="application/pdf"),
        message(T.DocumentAttributeAnimated(), ROUND, mime_type="video/mp4"),
        message(VOICE, ttl_seconds=60),
        message(media=None),
        message(media=T.MessageMediaDocument(document=None)),
        message(media=T.MessageMediaDocument(document=T.DocumentEmpty(id=1))),
    ],
)
def test_what_holds_no_speech_or_may_not_be_kept_is_no_voice(other: Any) -> None:
    assert inbox.voice_of(other, ME) is None


def test_a_voice_carries_what_telegram_announced() -> None:
    voice = inbox.voice_of(message(VOICE), ME)
    assert voice is not None
    assert (voice.chat_id, voice.message_id, voice.sender_id) == (ANNA, 3, ANNA)
    assert (voice.duration_s, voice.size_bytes, voice.sent_at, voice.file_id) == (4.0, 77, 1_700_000_000.0, "5")


@pytest.mark.parametrize(
    ("changes", "chat_id", "sender_id"),
    [
        ({}, ANNA, ANNA),
        ({"out": True}, ANNA, ME),
        ({"peer_id": T.PeerChat(chat_id=20), "from_id": T.PeerUser(user_id=ANNA)}, -20, ANNA),
        ({"peer_id": T.PeerChannel(channel_id=30), "from_id": T.PeerUser(user_id=ANNA)}, -1000000000030, ANNA),
        ({"peer_id": T.PeerUser(user_id=ME), "from_id": None}, ME, ME),
    ],
)
def test_chats_and_senders_have_the_ids_that_people_know(changes: dict[str, Any], chat_id: int, sender_id: int) -> None:
    voice = inbox.voice_of(message(VOICE, **changes), ME)
    assert voice is not None
    assert (voice.chat_id, voice.sender_id) == (chat_id, sender_id)


def test_the_owners_slash_is_a_command_with_what_it_answers() -> None:
    reply = T.MessageReplyHeader(reply_to_msg_id=2)
    command = inbox.command_of(message(media=None, message="/add @x", out=True, reply_to=reply), ME)
    assert command is not None
    assert (command.chat_id, command.message_id, command.text, command.reply_to_id) == (ANNA, 3, "/add @x", 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"message": "/status"},
        {"message": "status", "out": True},
        {"message": "/status", "out": True, "fwd_from": T.MessageFwdHeader(date=1)},
    ],
)
def test_other_peoples_texts_and_forwarded_ones_are_no_commands(changes: dict[str, Any]) -> None:
    assert inbox.command_of(message(media=None, **changes), ME) is None
