"""What Telegram's raw messages mean to us: a Voice, a Command, or nothing. Pure functions over TL objects."""

from __future__ import annotations

from typing import Any

from pyrogram import raw, utils

from transcriber.voice import Command, Kind, Voice

Message = raw.types.Message


def chat_of(message: Any) -> int:
    """The chat's id as people and Bot API know it: users positive, groups -N, channels -100N."""
    return int(utils.get_peer_id(message.peer_id))


def sender_of(message: Any, me: int) -> int:
    """The user who wrote the message; in private chats Telegram may leave it out."""
    if message.from_id is not None:
        return int(utils.get_peer_id(message.from_id))
    return me if message.out else chat_of(message)


def document_of(message: Any) -> Any | None:
    """The file that the message carries, unless it may be viewed only once (such media must not be stored)."""
    media = getattr(message, "media", None)
    if not isinstance(media, raw.types.MessageMediaDocument) or media.ttl_seconds:
        return None
    return media.document if isinstance(media.document, raw.types.Document) else None


def replied_to(message: Any) -> int:
    """The message that this one answers, 0 when it answers none."""
    return getattr(getattr(message, "reply_to", None), "reply_to_msg_id", None) or 0


def sent_id(result: Any, random_id: int) -> int:
    """The id of the message that was sent with `random_id`, from Telegram's answer; 0 when it does not say."""
    if isinstance(result, raw.types.UpdateShortSentMessage):
        return int(result.id)
    named = (u for u in getattr(result, "updates", []) if isinstance(u, raw.types.UpdateMessageID))
    return next((int(update.id) for update in named if update.random_id == random_id), 0)


def voice_of(message: Any, me: int) -> Voice | None:
    """The message as a Voice, or None when nothing in it can hold speech."""
    document = document_of(message)
    if document is None:
        return None
    attributes = {type(attribute): attribute for attribute in document.attributes}
    if raw.types.DocumentAttributeAnimated in attributes or raw.types.DocumentAttributeSticker in attributes:
        return None
    audio = attributes.get(raw.types.DocumentAttributeAudio)
    video = attributes.get(raw.types.DocumentAttributeVideo)
    kind = _kind(document, audio, video)
    if kind is None:
        return None
    return Voice(
        chat_id=chat_of(message),
        message_id=message.id,
        sender_id=sender_of(message, me),
        sent_at=float(message.date),
        kind=kind,
        duration_s=float(getattr(audio or video, "duration", 0) or 0),
        size_bytes=document.size,
        file_id=str(document.id),
    )


def _kind(document: Any, audio: Any, video: Any) -> Kind | None:
    if audio is not None:
        return Kind.VOICE if audio.voice else Kind.AUDIO
    if video is not None:
        return Kind.VIDEO_NOTE if video.round_message else Kind.VIDEO
    major = (document.mime_type or "").partition("/")[0]  # sent as a file: no attributes, only a type
    return {"audio": Kind.AUDIO, "video": Kind.VIDEO}.get(major)


def command_of(message: Any, me: int) -> Command | None:
    """The message as a Command when the owner wrote it and it starts with a slash."""
    text = getattr(message, "message", "") or ""
    if not text.startswith("/") or getattr(message, "fwd_from", None) or sender_of(message, me) != me:
        return None
    return Command(chat_of(message), message.id, text, replied_to(message))
