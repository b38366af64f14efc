"""The second factor: a password, proved with SRP, https://core.telegram.org/api/srp."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from pyrogram import utils
from pyrogram.crypto import prime

from .login import admit
from .rpc import Call, method
from .tl import RpcError, types
from .world import Account

GENERATOR = 3
P = prime.CURRENT_DH_PRIME
P_BYTES, G_BYTES = P.to_bytes(256, "big"), GENERATOR.to_bytes(256, "big")
ALGORITHM = types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
    salt1=b"sandbox-", salt2=b"sandbox-", g=GENERATOR, p=P_BYTES
)


@method("account.GetPassword")
def get_password(call: Call, query: Any) -> Any:
    """How the password of the account is to be proved, if it has one."""
    account = _account(call)
    unused = {"new_algo": ALGORITHM, "new_secure_algo": types.SecurePasswordKdfAlgoUnknown(), "secure_random": b""}
    if account.password is None:
        return types.account.Password(**unused)
    secret = int.from_bytes(os.urandom(256), "big")
    verifier = pow(GENERATOR, _password_hash(account.password), P)
    public = (_int(_sha256(P_BYTES + G_BYTES)) * verifier + pow(GENERATOR, secret, P)) % P
    srp_id = _int(os.urandom(7))
    call.telegram.password_proofs[srp_id] = (account.id, secret, verifier, public)
    return types.account.Password(
        has_password=True,
        current_algo=ALGORITHM,
        srp_B=public.to_bytes(256, "big"),
        srp_id=srp_id,
        hint="sandbox",
        **unused,
    )


@method("auth.CheckPassword")
def check_password(call: Call, query: Any) -> Any:
    """Check the proof, and sign in."""
    account, proof = _account(call), query.password
    known = call.telegram.password_proofs.pop(getattr(proof, "srp_id", 0), None)
    if known is None or known[0] != account.id:
        raise RpcError(400, "SRP_ID_INVALID")
    _, secret, verifier, public = known
    if _expected_proof(proof.A, secret, verifier, public) != proof.M1:
        raise RpcError(400, "PASSWORD_HASH_INVALID")
    return admit(call, account)


def _account(call: Call) -> Account:
    account = call.world.accounts.get(call.key.awaiting_password_id or call.key.account_id or 0)
    if account is None:
        raise RpcError(401, "AUTH_KEY_UNREGISTERED")
    return account


def _expected_proof(client_public: bytes, secret: int, verifier: int, public: int) -> bytes:
    server_public = public.to_bytes(256, "big")
    scramble = _int(_sha256(client_public + server_public))
    shared = pow(_int(client_public) * pow(verifier, scramble, P), secret, P)
    return _sha256(
        utils.xor(_sha256(P_BYTES), _sha256(G_BYTES))
        + _sha256(ALGORITHM.salt1)
        + _sha256(ALGORITHM.salt2)
        + client_public
        + server_public
        + _sha256(shared.to_bytes(256, "big"))
    )


def _password_hash(password: str) -> int:
    return _int(utils.compute_password_hash(ALGORITHM, password))


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _int(data: bytes) -> int:
    return int.from_bytes(data, "big")
