"""How a client comes to trust this Telegram, and to find it.

A client accepts a server whose RSA key it knows, at the address it knows. `install(host, port)` teaches both to the
kurigram of the running process; `python -m sandbox.run PORT program.py arguments…` does so and then runs a program as
it is, which is how a first sign-in can be tried without the real Telegram. A session file written by
`Telegram.write_session` needs neither: it holds the address and a key that both sides know.
"""

from __future__ import annotations

import hashlib
from typing import Any

# Fixed on purpose: it protects nothing, and any process can trust it without a file.
PRIME1 = int(
    "fcbda35734c452dc36e26d32332d130175432a22496d660372ec004877ad32ca"
    "b7f3e08cf77f68d4b5a0d5b944929e840b63f10f621a7aaba8e432aad2b7597c"
    "8eaf9c50dc452d015e4027b3272a9efd742906b07bf68e1465076bb7ca187750"
    "6363ca59dad14e226e9d46a838406edbdb07796730dee24bdfd4d933c0afaea9",
    16,
)
PRIME2 = int(
    "bc048b6e0eeeedc7146dc124baded9a689848f858d058d25161754326290ffc7"
    "03c92908bad2f1666851e6f096e93d8a524da1d95fba6d2897dcb9bfc84cf156"
    "3c0184917fd47177ef5037bb48329f0f492d0c8e23f4a1ae52b1cb4589ede7b9"
    "3c283821a7a7b258fe200fac99f93fa39e0b6f13a85f81cb838b75433b9c7f2f",
    16,
)
MODULUS = PRIME1 * PRIME2
EXPONENT = 65537
SECRET_EXPONENT = pow(EXPONENT, -1, (PRIME1 - 1) * (PRIME2 - 1))


def fingerprint() -> int:
    """The number by which a client picks our key: 64 bits of the SHA-1 of its TL form."""
    modulus = b"\xfe" + (256).to_bytes(3, "little") + MODULUS.to_bytes(256, "big")
    digest = hashlib.sha1(modulus + b"\x03" + EXPONENT.to_bytes(3, "big")).digest()
    return int.from_bytes(digest[-8:], "little", signed=True)


def decrypt(data: bytes) -> bytes:
    """Open what a client encrypted with our public key."""
    return pow(int.from_bytes(data, "big"), SECRET_EXPONENT, MODULUS).to_bytes(256, "big")


def trust_key() -> None:
    """Let the clients of this process accept our key."""
    from pyrogram.crypto import rsa

    rsa.server_public_keys[fingerprint()] = rsa.PublicKey(MODULUS, EXPONENT)


def connection_factory(port: int, host: str = "127.0.0.1") -> Any:
    """For `Client(connection_factory=…)`: connections that go here, whatever address the client has in mind."""
    from pyrogram.connection import Connection

    trust_key()

    class SandboxConnection(Connection):  # type: ignore[misc]  # kurigram is not typed
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **(kwargs | {"server_address": host, "port": port}))

    return SandboxConnection


def install(port: int, host: str = "127.0.0.1") -> None:
    """Send every client of this process here: for trying an unmodified program."""
    from pyrogram.connection import Connection

    trust_key()
    connect = Connection.connect

    async def connect_here(self: Any) -> None:
        self.server_address, self.port, self.ipv6 = host, port, False
        await connect(self)

    setattr(Connection, "connect", connect_here)  # noqa: B010  # mypy forbids the assignment
