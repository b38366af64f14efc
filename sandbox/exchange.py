"""The server's side of the authorisation key exchange, https://core.telegram.org/mtproto/auth_key."""

from __future__ import annotations

import hashlib
import os
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pyrogram.crypto import aes, prime
from pyrogram.raw.core import TLObject

from . import trust
from .tl import functions, types
from .transport import TransportError
from .world import AuthKey

if TYPE_CHECKING:
    from .telegram import Telegram

P, Q = 1229739323, 1402015859  # small primes whose product the client factorises as proof of work
GENERATOR = 3


class Exchange:
    """One exchange on one connection: pq, then Diffie-Hellman, then a new key."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._server_nonce = b""
        self._new_nonce = b""
        self._secret = 0

    def answer(self, query: Any) -> Any:
        """The answer to the next unencrypted message of a client."""
        if isinstance(query, functions.ReqPqMulti):
            return self._res_pq(query)
        if isinstance(query, functions.ReqDHParams):
            return self._dh_params(query)
        if isinstance(query, functions.SetClientDHParams):
            return self._dh_gen(query)
        raise TransportError(f"{query.QUALNAME} came unencrypted")

    def _res_pq(self, query: Any) -> Any:
        self._server_nonce = os.urandom(16)
        return types.ResPQ(
            nonce=query.nonce,
            server_nonce=_signed(self._server_nonce),
            pq=(P * Q).to_bytes(8, "big"),
            server_public_key_fingerprints=[trust.fingerprint()],
        )

    def _dh_params(self, query: Any) -> Any:
        # kurigram's padding: sha1, the data and random bytes, 255 in all
        decrypted = trust.decrypt(query.encrypted_data)[-255:]
        inner = TLObject.read(BytesIO(decrypted[20:]))
        self._new_nonce = inner.new_nonce.to_bytes(32, "little", signed=True)
        self._secret = int.from_bytes(os.urandom(256), "big")
        params = types.ServerDHInnerData(
            nonce=query.nonce,
            server_nonce=query.server_nonce,
            g=GENERATOR,
            dh_prime=prime.CURRENT_DH_PRIME.to_bytes(256, "big"),
            g_a=pow(GENERATOR, self._secret, prime.CURRENT_DH_PRIME).to_bytes(256, "big"),
            server_time=self._telegram.date(),
        ).write()
        hashed = _sha1(params) + params
        hashed += os.urandom(-len(hashed) % 16)
        encrypted = aes.ige256_encrypt(hashed, *self._temporary_key())
        return types.ServerDHParamsOk(nonce=query.nonce, server_nonce=query.server_nonce, encrypted_answer=encrypted)

    def _dh_gen(self, query: Any) -> Any:
        decrypted = aes.ige256_decrypt(query.encrypted_data, *self._temporary_key())
        g_b = int.from_bytes(TLObject.read(BytesIO(decrypted[20:])).g_b, "big")
        key = AuthKey(pow(g_b, self._secret, prime.CURRENT_DH_PRIME).to_bytes(256, "big"))
        self._telegram.world.keys[key.id] = key
        self._telegram.touch()
        nonce_hash = _sha1(self._new_nonce + b"\x01" + _sha1(key.data)[:8])[-16:]
        return types.DhGenOk(nonce=query.nonce, server_nonce=query.server_nonce, new_nonce_hash1=_signed(nonce_hash))

    def _temporary_key(self) -> tuple[bytes, bytes]:
        new, server = self._new_nonce, self._server_nonce
        key = _sha1(new + server) + _sha1(server + new)[:12]
        return key, _sha1(server + new)[12:] + _sha1(new + new) + new[:4]


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data).digest()


def _signed(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)
