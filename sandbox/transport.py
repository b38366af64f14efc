"""Abridged framing and MTProto 2.0 encryption, seen from the server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import struct
from dataclasses import dataclass
from typing import Any

from pyrogram.crypto import aes, mtproto

ABRIDGED = b"\xef"
KEY_NOT_FOUND = -404


class TransportError(Exception):
    """What arrived is not MTProto, or was not encrypted with the key it names."""


@dataclass(frozen=True)
class Packet:
    """A decrypted client packet."""

    salt: bytes
    session_id: bytes
    msg_id: int
    seq_no: int
    body: bytes


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The next abridged frame: its length in words, then that many words."""
    words = (await reader.readexactly(1))[0]
    if words == 0x7F:
        words = int.from_bytes(await reader.readexactly(3), "little")
    return await reader.readexactly(words * 4)


def frame(data: bytes) -> bytes:
    """One abridged frame."""
    words = len(data) // 4
    return (bytes([words]) if words < 0x7F else b"\x7f" + words.to_bytes(3, "little")) + data


def error_frame(code: int) -> bytes:
    """A transport error: a bare negative number instead of a packet."""
    return frame(struct.pack("<i", code))


def plain(msg_id: int, body: bytes) -> bytes:
    """An unencrypted message, as the key exchange uses it."""
    return bytes(8) + struct.pack("<qi", msg_id, len(body)) + body


def decrypt(key: bytes, packet: bytes) -> Packet:
    """Open a client's packet. Clients use x = 0 in the key derivation, and key bytes 88 to 120."""
    msg_key = packet[8:24]
    aes_key, aes_iv = mtproto.kdf(key, msg_key, True)
    data = aes.ige256_decrypt(packet[24:], aes_key, aes_iv)
    if hashlib.sha256(key[88:120] + data).digest()[8:24] != msg_key:
        raise TransportError("msg_key does not match")
    msg_id, seq_no, length = struct.unpack("<qii", data[16:32])
    return Packet(data[:8], data[8:16], msg_id, seq_no, data[32 : 32 + length])


def encrypt(key: bytes, key_id: bytes, packet: Packet) -> bytes:
    """Seal a server's packet. Servers use x = 8, and key bytes 96 to 128."""
    header = struct.pack("<qii", packet.msg_id, packet.seq_no, len(packet.body))
    data = packet.salt + packet.session_id + header + packet.body
    data += os.urandom(-(len(data) + 12) % 16 + 12)
    msg_key = hashlib.sha256(key[96:128] + data).digest()[8:24]
    aes_key, aes_iv = mtproto.kdf(key, msg_key, False)
    return bytes(key_id + msg_key + aes.ige256_encrypt(data, aes_key, aes_iv))


def abort(writer: asyncio.StreamWriter) -> None:
    """Drop the connection at once, without the goodbye of a normal close."""
    transport: Any = writer.transport
    transport.abort()
