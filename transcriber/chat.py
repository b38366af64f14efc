"""What the program does in chats: send, edit, react, download, read the history, look people up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pyrogram import raw, utils
from pyrogram.errors import RandomIdDuplicate
from pyrogram.file_id import FileId, FileType

from transcriber import inbox
from transcriber.errors import Gone, Refused, RetryLater, TranscriberError
from transcriber.parts import Part, units
from transcriber.rpc import translated
from transcriber.telegram import Telegram
from transcriber.voice import Person, Voice

log = logging.getLogger(__name__)

PAGE = 100  # messages per history call, Telegram's own maximum
CHUNK_TIMEOUT_S = 60.0  # one mebibyte of a download; a stalled one blocks all others (docs/telegram.md, fact 15)
_NO_REACTIONS = {"REACTION_INVALID", "REACTIONS_FORBIDDEN", "CHAT_WRITE_FORBIDDEN", "CHAT_ADMIN_REQUIRED"}
_NO_SUCH_PERSON = {"PEER_ID_INVALID", "USER_ID_INVALID", "USERNAME_INVALID", "USERNAME_NOT_OCCUPIED"}


class Chat:
    """Chats as the pipeline and the commands need them. Every method may raise RetryLater, Refused or Lost."""

    def __init__(self, telegram: Telegram, *, chunk_timeout_s: float = CHUNK_TIMEOUT_S) -> None:
        self._telegram = telegram
        self._chunk_timeout_s = chunk_timeout_s
        self._quiet_until = 0.0  # monotonic: a FloodWait for one reply holds back all replies
        self._no_reactions: set[int] = set()

    # --- saying ---
    async def send(self, chat_id: int, part: Part, *, reply_to: int, random_id: int) -> int:
        """Send one part as a reply (0: to nothing), silently; its id, or 0 when `random_id` was delivered before."""
        if (wait_s := self._quiet_until - time.monotonic()) > 0:
            raise RetryLater("flood_wait", after_s=wait_s, seconds=round(wait_s))
        query = raw.functions.messages.SendMessage(
            peer=await self._telegram.peer(chat_id),
            message=part.text,
            random_id=random_id,
            reply_to=raw.types.InputReplyToMessage(reply_to_msg_id=reply_to) if reply_to else None,
            entities=_quote(part),
            no_webpage=True,
            silent=True,
        )
        try:
            return inbox.sent_id(await self._telegram.call(query, speaking=True), random_id)
        except (RetryLater, Refused) as error:
            if isinstance(error.__cause__, RandomIdDuplicate):
                return 0
            if isinstance(error, RetryLater) and error.after_s:
                self._quiet_until = time.monotonic() + error.after_s
            raise

    async def edit(self, chat_id: int, message_id: int, text: str) -> None:
        """Replace the text of our own message; the same text again is no error."""
        await self._edit(chat_id, message_id, Part(text))

    async def revise(self, chat_id: int, message_id: int, part: Part) -> None:
        """The same for a part of an answer."""
        await self._edit(chat_id, message_id, part, speaking=True)

    async def _edit(self, chat_id: int, message_id: int, part: Part, *, speaking: bool = False) -> None:
        query = raw.functions.messages.EditMessage(
            peer=await self._telegram.peer(chat_id),
            id=message_id,
            message=part.text,
            entities=_quote(part),  # an explicit list, even when empty: nothing in the text is markup
            no_webpage=True,
        )
        try:
            await self._telegram.call(query, speaking=speaking)
        except Refused as error:
            if error.code != "MESSAGE_NOT_MODIFIED":
                raise

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        """Set our reaction, or take it back with an empty `emoji`. Best effort: never raises, never waits."""
        if chat_id in self._no_reactions or not self._telegram.online:
            return
        try:
            await self._telegram.call(
                raw.functions.messages.SendReaction(
                    peer=await self._telegram.peer(chat_id),
                    msg_id=message_id,
                    reaction=[raw.types.ReactionEmoji(emoticon=emoji)] if emoji else [],
                ),
                speaking=True,
            )
        except Refused as error:
            if error.code in _NO_REACTIONS:
                self._no_reactions.add(chat_id)
        except TranscriberError as error:
            log.debug("reaction: %s", error)

    # --- reading ---
    async def download(self, voice: Voice, folder: Path) -> Path:
        """The voice's file in `folder`; one that is already there whole is not fetched again.

        The message is read again first, because file references expire while a job waits.
        Raises Gone when it was deleted, RetryLater when the file came short.
        """
        path = folder / f"{voice.chat_id}_{voice.message_id}.media"
        if path.exists():
            return path
        document = inbox.document_of(await self._message(voice.chat_id, voice.message_id))
        if document is None:
            raise Gone("message_gone")
        partial = path.with_suffix(".part")
        try:
            size_bytes = await self._fetch(document, partial)
            if size_bytes < document.size:
                raise RetryLater("download_short")
            partial.replace(path)  # only a whole file bears the final name
        finally:
            partial.unlink(missing_ok=True)
        return path

    async def _fetch(self, document: Any, path: Path) -> int:
        client = await self._telegram.client()
        file_id = FileId(
            file_type=FileType.DOCUMENT,
            dc_id=document.dc_id,
            media_id=document.id,
            access_hash=document.access_hash,
            file_reference=document.file_reference,
        )
        chunks = client.get_file(file_id, document.size)
        size_bytes = 0
        with path.open("wb") as file:  # its own OSErrors (a full disk) are not Telegram's: not translated
            while True:
                with translated():
                    async with asyncio.timeout(self._chunk_timeout_s):
                        chunk = await self._telegram.unless_broken(anext(chunks, b""))
                file.write(chunk)
                size_bytes += len(chunk)
                if not chunk or size_bytes >= document.size:
                    await chunks.aclose()
                    return size_bytes

    async def exists(self, chat_id: int, message_id: int) -> bool:
        """Whether the message is still there: Telegram posts a reply to a deleted one as a message of its own."""
        return isinstance(await self._message(chat_id, message_id), inbox.Message)

    async def text(self, chat_id: int, message_id: int) -> str:
        """What the message says; nothing when it is gone."""
        return getattr(await self._message(chat_id, message_id), "message", "") or ""

    async def _message(self, chat_id: int, message_id: int) -> Any:
        peer = await self._telegram.peer(chat_id)
        ids = [raw.types.InputMessageID(id=message_id)]
        if isinstance(peer, raw.types.InputPeerChannel):
            channel = raw.types.InputChannel(channel_id=peer.channel_id, access_hash=peer.access_hash)
            result = await self._telegram.call(raw.functions.channels.GetMessages(channel=channel, id=ids))
        else:
            result = await self._telegram.call(raw.functions.messages.GetMessages(id=ids))
        return next((message for message in result.messages if message.id == message_id), None)

    async def history(self, chat_id: int, *, after_id: int, since: float) -> AsyncIterator[tuple[int, list[Voice]]]:
        """Pages of what came after message `after_id` (or, when 0, after Unix time `since`), oldest first.

        Each page is its last message id and the voices in it.
        """
        peer = await self._telegram.peer(chat_id)
        while True:
            query = raw.functions.messages.GetHistory(
                peer=peer,
                offset_id=after_id + 1 if after_id else 0,
                offset_date=0 if after_id else int(since),
                add_offset=-PAGE,  # towards the newer ones
                limit=PAGE,
                max_id=0,
                min_id=after_id,
                hash=0,
            )
            found = (await self._telegram.call(query)).messages
            page = sorted((m for m in found if m.id > after_id), key=lambda m: m.id)
            if not page:
                return
            voices = [inbox.voice_of(m, self._telegram.me) for m in page if isinstance(m, inbox.Message)]
            after_id = page[-1].id
            yield after_id, [voice for voice in voices if voice and voice.sent_at >= since]
            if len(found) < PAGE:
                return

    async def person(self, who: int | str) -> Person:
        """Look somebody up by id or @name. Raises Refused with `code` when there is nobody."""
        peer = await self._telegram.peer(who)
        if not isinstance(peer, raw.types.InputPeerUser | raw.types.InputPeerSelf):
            raise Refused("USER_ID_INVALID")
        if isinstance(peer, raw.types.InputPeerSelf):
            user_input: Any = raw.types.InputUserSelf()
        else:
            user_input = raw.types.InputUser(user_id=peer.user_id, access_hash=peer.access_hash)
        found = await self._telegram.call(raw.functions.users.GetUsers(id=[user_input]))
        if not found or not isinstance(found[0], raw.types.User):
            raise Refused("PEER_ID_INVALID")
        return _person(found[0])

    async def sender(self, chat_id: int, message_id: int) -> Person:
        """Who wrote a message. Raises Gone when it is not there, Refused when it was not a person."""
        message = await self._message(chat_id, message_id)
        if not isinstance(message, inbox.Message):
            raise Gone("message_gone")
        return await self.person(inbox.sender_of(message, self._telegram.me))

    async def voice(self, chat_id: int, message_id: int) -> Voice | None:
        """The message as a Voice, or the voice that it answers; None when there is neither."""
        for _ in range(2):
            message = await self._message(chat_id, message_id)
            if not isinstance(message, inbox.Message):
                return None
            if voice := inbox.voice_of(message, self._telegram.me):
                return voice
            message_id = inbox.replied_to(message)
        return None


def is_nobody(error: Refused) -> bool:
    """Whether Telegram's refusal means that there is no such person."""
    return error.code in _NO_SUCH_PERSON


def _person(user: Any) -> Person:
    name = " ".join(filter(None, (user.first_name, user.last_name)))
    return Person(user.id, f"@{user.username}" if user.username else name or str(utils.get_peer_id(user)))


def _quote(part: Part) -> list[Any]:
    if part.quote is None:
        return []
    offset, length = part.quote
    assert offset + length <= units(part.text)
    return [raw.types.MessageEntityBlockquote(offset=offset, length=length, collapsed=True)]
