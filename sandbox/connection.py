"""One TCP connection: packets in, calls performed, answers and updates out."""

from __future__ import annotations

import asyncio
import logging
import struct
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pyrogram.raw.core import Message as Envelope
from pyrogram.raw.core import MsgContainer, TLObject

from . import exchange, rpc, transport
from .tl import RpcError, functions, method_name, types, unwrap
from .transport import Packet
from .world import AuthKey

if TYPE_CHECKING:
    from .sessions import Session
    from .telegram import Telegram

log = logging.getLogger(__name__)

ANSWER, PUSH = 1, 3  # the last two bits of a server's msg_id say which it is
MSG_ID_TOO_LOW, MSG_ID_TOO_HIGH, BAD_SALT = 16, 17, 48
MAX_AHEAD_S, MAX_AGE_S = 30, 300  # how far a client's clock may be off


class Connection:
    """A client's connection from its first byte to its last."""

    def __init__(self, telegram: Telegram, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._telegram, self._reader, self._writer = telegram, reader, writer
        self._key: AuthKey | None = None
        self._session: Session | None = None
        self._exchange = exchange.Exchange(telegram)
        self._salt = telegram.salt
        self._last_msg_id = 0
        self._content_sent = 0

    @property
    def account_id(self) -> int | None:
        """Whose connection this is, as far as it has said."""
        return self._key.account_id if self._key else None

    async def run(self) -> None:
        """Serve until the client hangs up."""
        try:
            if await self._reader.readexactly(1) != transport.ABRIDGED:
                log.warning("a client speaks a transport other than abridged: closed")
                return
            while True:
                self._receive(await transport.read_frame(self._reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except transport.TransportError as error:
            log.warning("closed a connection: %s", error)
        except Exception:  # whatever a client sends, it harms nobody but itself
            log.exception("closed a connection that sent nonsense")
        finally:
            self._leave_session()
            self._writer.close()

    def cut(self) -> None:
        """Break the connection."""
        self._leave_session()
        transport.abort(self._writer)

    def push(self, updates: Any) -> None:
        """Send an update."""
        self._send(updates, PUSH)

    def _leave_session(self) -> None:
        if self._session is not None and self._session.connection is self:
            self._session.connection = None

    def _receive(self, packet: bytes) -> None:
        if self._silent():
            return
        if packet[:8] == bytes(8):
            answer = self._exchange.answer(TLObject.read(BytesIO(packet[20:])))
            self._writer.write(transport.frame(transport.plain(self._next_msg_id(ANSWER), answer.write())))
            return
        self._key = self._telegram.world.keys.get(packet[:8])
        if self._key is None:
            self._writer.write(transport.error_frame(transport.KEY_NOT_FOUND))
            return
        if self._telegram.faults.take("down", account_id=self.account_id):
            self.cut()
        elif not self._silent():
            self._accept(self._key, transport.decrypt(self._key.data, packet))

    def _accept(self, key: AuthKey, packet: Packet) -> None:
        if self._session is None or self._session.id != packet.session_id:
            self._session = self._telegram.sessions.attach(packet.session_id, key.id, self)
        session = self._session
        if self._wrong_time(packet) or self._wrong_salt(packet):
            return
        if not session.greeted:
            session.greeted = True
            self._send(types.NewSessionCreated(first_msg_id=packet.msg_id, unique_id=1, server_salt=self._salt), PUSH)
        while session.missed:
            self.push(session.missed.pop(0))
        body = TLObject.read(BytesIO(packet.body))
        envelopes = body.messages if isinstance(body, MsgContainer) else [Envelope(body, packet.msg_id, 0, 0)]
        for envelope in envelopes:
            self._begin(key, session, envelope)

    def _wrong_time(self, packet: Packet) -> bool:
        ahead_s = packet.msg_id / 2**32 - self._telegram.now(self.account_id)
        if -MAX_AGE_S <= ahead_s <= MAX_AHEAD_S:
            return False
        code = MSG_ID_TOO_HIGH if ahead_s > 0 else MSG_ID_TOO_LOW
        bad = types.BadMsgNotification(bad_msg_id=packet.msg_id, bad_msg_seqno=packet.seq_no, error_code=code)
        self._send(bad, ANSWER, content=False)
        return True

    def _wrong_salt(self, packet: Packet) -> bool:
        if packet.salt == struct.pack("<q", self._salt):
            return False
        bad = types.BadServerSalt(
            bad_msg_id=packet.msg_id,
            bad_msg_seqno=packet.seq_no,
            error_code=BAD_SALT,
            new_server_salt=self._salt,
        )
        self._send(bad, ANSWER, content=False)
        return True

    def _begin(self, key: AuthKey, session: Session, envelope: Any) -> None:
        query, silent = unwrap(envelope.body)
        if isinstance(query, functions.Ping | functions.PingDelayDisconnect):
            self._send(types.Pong(msg_id=envelope.msg_id, ping_id=query.ping_id), ANSWER, content=False)
        elif not isinstance(query, types.MsgsAck):
            self._telegram.sessions.subscribe(session, method_name(query), silent)
            call = rpc.Call(self._telegram, session, key, query)
            self._telegram.begin(self._perform(call, envelope.msg_id))

    async def _perform(self, call: rpc.Call, msg_id: int) -> None:
        try:
            result = await rpc.perform(call)
        except rpc.AnswerLostError as lost:
            if lost.cut:
                self.cut()
            return
        except RpcError as error:
            result = types.RpcError(error_code=error.code, error_message=error.message)
        except Exception:
            log.exception("%s failed", method_name(call.query))
            result = types.RpcError(error_code=500, error_message="INTERNAL_SERVER_ERROR")
        self._send(types.RpcResult(req_msg_id=msg_id, result=result), ANSWER)

    def _send(self, body: Any, kind: int, content: bool = True) -> None:
        if self._key is None or self._session is None or self._silent() or self._writer.is_closing():
            return
        seq_no = self._content_sent * 2 + content
        self._content_sent += content
        salt = struct.pack("<q", self._salt)
        packet = Packet(salt, self._session.id, self._next_msg_id(kind), seq_no, body.write())
        self._writer.write(transport.frame(transport.encrypt(self._key.data, self._key.id, packet)))

    def _next_msg_id(self, kind: int) -> int:
        """Always increasing, as clients demand, even when the clock is set back."""
        self._last_msg_id = max(self._last_msg_id + 4, int(self._telegram.now(self.account_id) * 2**32) & ~3)
        return self._last_msg_id | kind

    def _silent(self) -> bool:
        return self._telegram.faults.take("black_hole", account_id=self.account_id) is not None
