"""The short form of `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import run
from tests.weights import weights


@pytest.mark.timeout(240)
async def test_thirty_voices_through_a_storm_get_thirty_answers(tmp_path: Path) -> None:
    outcome = await run(30, 1, tmp_path, weights("tiny.en"))
    assert outcome.good, f"{outcome}\n{(tmp_path / 'daemon.log').read_text('utf-8')}"
