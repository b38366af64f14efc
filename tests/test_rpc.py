"""Telegram's errors in our words."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyrogram import errors, raw

from transcriber.errors import Refused, RetryLater
from transcriber.rpc import from_rpc


def _raised(code: int, message: str) -> errors.RPCError:
    with pytest.raises(errors.RPCError) as caught:
        errors.RPCError.raise_it(raw.types.RpcError(error_code=code, error_message=message), raw.functions.Ping)
    return caught.value


@pytest.mark.parametrize("code", [400, 403, 499])
def test_an_error_unknown_to_kurigram_keeps_its_name_and_needs_no_folder_to_write_to(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unknown_errors.txt").mkdir()  # as good as read-only, for root too
    told = from_rpc(_raised(code, "NEVER_HEARD_OF_7"))
    assert isinstance(told, Refused)
    assert told.code == "NEVER_HEARD_OF_7"


def test_known_errors_are_told_by_their_name_and_waits_by_their_length() -> None:
    assert from_rpc(_raised(400, "PEER_ID_INVALID")).values == {"error": "PEER_ID_INVALID"}
    wait = from_rpc(_raised(420, "FLOOD_WAIT_42"))
    assert isinstance(wait, RetryLater)
    assert wait.after_s == 42
