"""The fuzzers' short forms, and what the long ones once found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.commands import fuzz_commands
from tests.fuzz.media import fuzz_media
from tests.fuzz.mutate import mutant, seeds
from tests.fuzz.worker import heard
from transcriber.state import State

FOUND = Path(__file__).with_name("found")


@pytest.mark.parametrize("path", sorted(FOUND.iterdir()), ids=lambda path: path.stem)
def test_a_file_that_once_found_something_is_heard_or_refused(path: Path) -> None:
    assert not heard(path.read_bytes()).startswith("SURPRISE")


async def test_broken_files_are_heard_or_refused(tmp_path: Path) -> None:
    report = await fuzz_media(2, 0, 150, tmp_path / "found")
    assert not report.findings, report
    assert report.outcomes.total() == 150
    assert {"sound", "media_unreadable"} <= report.outcomes.keys()


async def test_a_worker_that_crashes_is_seen_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Number 1 of three ends its worker as a fault in native code would."""
    script = """
import os, sys
for number in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
    print(number, flush=True)
    if number == 1: os.abort()
    print(number, 1, "sound", flush=True)
"""
    (tmp_path / "abort.py").write_text(script)
    monkeypatch.setattr("tests.fuzz.media.WORKER", (str(tmp_path / "abort.py"),))
    report = await fuzz_media(1, 0, 3, tmp_path / "found")
    assert report.outcomes == {"sound": 2, "CRASH -6": 1}
    assert (tmp_path / "found" / "1-1.media").read_bytes() == mutant(seeds(), 1, 1)


async def test_broken_commands_are_answered_and_leave_nothing_behind(state: State, tmp_path: Path) -> None:
    report = await fuzz_commands(1, 1_000, state, tmp_path)
    assert not report.findings, report
