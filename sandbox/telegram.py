"""Everything one can do to this Telegram without a client."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import posting, qr, seen, session_file
from .seen import SeenMessage, SentId
from .server import Server
from .tl import types
from .world import Account, AuthKey, Chat, Document, Mailbox, Message

FIRST_USER_ID, FIRST_GROUP_ID, FIRST_CHANNEL_ID = 7_000_000_001, 4_000_000_001, 1_900_000_001


class Telegram(Server):
    """A Telegram with one data centre on 127.0.0.1; with `state` it keeps everything in that file."""

    def add_account(
        self, first_name: str, *, username: str | None = None, phone: str | None = None, password: str | None = None
    ) -> Account:
        """A new account."""
        account_id = FIRST_USER_ID + len(self.world.accounts)
        digits = "".join(filter(str.isdigit, phone or str(account_id)))
        account = Account(account_id, first_name, username, digits, Mailbox(account_id), password)
        self.world.accounts[account_id] = account
        self.touch()
        return account

    def add_group(self, title: str, members: Iterable[Account], reactions: bool = True) -> Chat:
        """A new basic group; the first member is its creator."""
        return self._add_chat(FIRST_GROUP_ID, title, members, reactions, None, None)

    def add_supergroup(
        self, title: str, members: Iterable[Account], reactions: bool = True, username: str | None = None
    ) -> Chat:
        """A new supergroup; the first member is its creator."""
        return self._add_chat(FIRST_CHANNEL_ID, title, members, reactions, username, Mailbox(0))

    def _add_chat(
        self,
        first_id: int,
        title: str,
        members: Iterable[Account],
        reactions: bool,
        username: str | None,
        mailbox: Mailbox | None,
    ) -> Chat:
        joined = {member.id: self.date() for member in members}
        chat_id = first_id + len(self.world.chats)
        chat = Chat(chat_id, title, next(iter(joined)), joined, reactions, username, mailbox)
        if mailbox is not None:
            mailbox.owner_id = chat.chat_id
        self.world.chats[chat.chat_id] = chat
        self.touch()
        return chat

    def add_member(self, chat: Chat, account: Account) -> None:
        """Let somebody into a group."""
        chat.members[account.id] = self.date()
        self._tell_of_membership(chat, account)

    def remove_member(self, chat: Chat, account: Account) -> None:
        """Remove somebody from a group, who then gets CHANNEL_PRIVATE (basic groups: PEER_ID_INVALID)."""
        chat.members.pop(account.id, None)
        self._tell_of_membership(chat, account)

    def _tell_of_membership(self, chat: Chat, account: Account) -> None:
        update = types.UpdateChannel(channel_id=chat.id) if chat.mailbox else types.UpdateChat(chat_id=chat.id)
        found = posting.updates(self, account, [update], [], chat.chat_id)
        self.sessions.push(account.id, found)
        self.touch()

    def mailbox(self, owner_id: int) -> Mailbox:
        """The mailbox of an account or a supergroup."""
        peer = self.world.peer(owner_id)
        if peer is None or peer.mailbox is None:
            raise KeyError(owner_id)
        return peer.mailbox

    def write_session(self, account: Account | None, path: Path, knows: Iterable[Account | Chat] = ()) -> None:
        """Write a kurigram session file that leads here, signed in as `account` (None: not signed in yet).

        As with Telegram a client can address only peers it has met, by username, in its dialogs or in an update;
        those in `knows` count as met.
        """
        key = AuthKey(os.urandom(256), account.id if account else None, at_home=True)
        self.world.keys[key.id] = key
        session_file.write(Path(path), self.dc_id, self.host, self.port, key)
        if account is not None:
            session_file.introduce(Path(path), self.world, account, knows)
        self.touch()

    def too_long(self, channel_id: int | None) -> Any:
        """The update that tells only that there is too much to tell."""
        if channel_id is None:
            return types.UpdatesTooLong()
        update = types.UpdateChannelTooLong(channel_id=self.world.chats[channel_id].id)
        return types.Updates(updates=[update], users=[], chats=[], date=self.date(), seq=0)

    def send_text(
        self,
        sender: Account,
        to: Account | Chat,
        text: str,
        reply_to: int | None = None,
        entities: list[Any] | None = None,
    ) -> SentId:
        """Let an account send a text; `reply_to` is an id as the sender sees it, or what an earlier send returned."""
        answered = self._answered(sender, to, reply_to)
        message = posting.send(self, sender, to, text, entities=entities, reply_to=answered)
        return SentId.of(message, self.world)

    def send_voice(
        self, sender: Account, to: Account | Chat, data: bytes, duration_s: int = 1, **options: Any
    ) -> SentId:
        """Let an account send a voice message; options are those of `send_file`."""
        attribute = types.DocumentAttributeAudio(duration=duration_s, voice=True, waveform=bytes(63))
        return self.send_file(sender, to, data, "audio/ogg", [attribute], **options)

    def send_video_note(
        self, sender: Account, to: Account | Chat, data: bytes, duration_s: int = 1, **options: Any
    ) -> SentId:
        """Let an account send a round video; options are those of `send_file`."""
        attribute = types.DocumentAttributeVideo(duration=duration_s, w=384, h=384, round_message=True)
        return self.send_file(sender, to, data, "video/mp4", [attribute], **options)

    def send_audio(
        self, sender: Account, to: Account | Chat, data: bytes, duration_s: int = 1, title: str = "", **options: Any
    ) -> SentId:
        """Let an account send an audio file; options are those of `send_file`."""
        attribute = types.DocumentAttributeAudio(duration=duration_s, title=title or None)
        return self.send_file(sender, to, data, "audio/mpeg", [attribute], **options)

    def send_video(
        self, sender: Account, to: Account | Chat, data: bytes, duration_s: int = 1, **options: Any
    ) -> SentId:
        """Let an account send a video; options are those of `send_file`."""
        attribute = types.DocumentAttributeVideo(duration=duration_s, w=640, h=360, supports_streaming=True)
        return self.send_file(sender, to, data, "video/mp4", [attribute], **options)

    def send_file(
        self,
        sender: Account,
        to: Account | Chat,
        data: bytes,
        mime_type: str = "application/octet-stream",
        attributes: Iterable[Any] = (),
        *,
        caption: str = "",
        file_name: str | None = None,
        reply_to: int | None = None,
        ttl_s: int | None = None,
    ) -> SentId:
        """Let an account send a file of any kind; `ttl_s` makes it view-once."""
        named = [types.DocumentAttributeFilename(file_name=file_name)] if file_name else []
        document = self.store(data, mime_type, [*attributes, *named])
        answered = self._answered(sender, to, reply_to)
        message = posting.send(self, sender, to, caption, document=document, ttl_s=ttl_s, reply_to=answered)
        return SentId.of(message, self.world)

    def forward(self, sender: Account, to: Account | Chat, sent: SentId) -> SentId:
        """Let an account send the file of an earlier message on: the same document, not uploaded again."""
        message = posting.send(self, sender, to, sent.message.text, document=sent.message.document)
        return SentId.of(message, self.world)

    def store(self, data: bytes, mime_type: str, attributes: list[Any]) -> Document:
        """Keep a file."""
        document_id = int.from_bytes(os.urandom(7), "little")
        document = Document(document_id, mime_type, attributes, data, self.date())
        self.world.documents[document_id] = document
        return document

    def edit(self, account: Account, peer: Account | Chat, message_id: int, text: str) -> None:
        """Edit a message found by its id as this account sees it."""
        posting.edit(self, self._message(account, peer, message_id), text)

    def delete(self, account: Account, peer: Account | Chat, message_id: int) -> None:
        """Delete a message for everybody, found by its id as this account sees it."""
        for mailbox, held_id in posting.held_in(self, self._message(account, peer, message_id)):
            posting.delete(self, mailbox, [held_id])

    def react(self, account: Account, peer: Account | Chat, message_id: int, emoji: str | None) -> None:
        """Let an account react to a message, or take its reaction back."""
        chosen = [types.ReactionEmoji(emoticon=emoji)] if emoji else []
        posting.react(self, account, self._message(account, peer, message_id), chosen)

    def messages(self, viewer: Account, peer: Account | Chat) -> list[SeenMessage]:
        """The messages of a chat as an account sees them, oldest first."""
        return seen.messages(self.world, viewer, peer)

    def accept_login_token(self, account: Account, token: bytes | str) -> None:
        """Scan a QR code: accept the token, or the URL, that a client shows."""
        qr.accept(self, account, token)

    def _answered(self, sender: Account, to: Account | Chat, reply_to: int | None) -> Message | None:
        if reply_to is None or isinstance(reply_to, SentId):
            return reply_to.message if reply_to is not None else None
        return self._message(sender, to, reply_to)

    def _message(self, account: Account, peer: Account | Chat, message_id: int) -> Message:
        if isinstance(message_id, SentId):
            return message_id.message
        return self.world.mailbox_for(account, peer).messages[message_id]
