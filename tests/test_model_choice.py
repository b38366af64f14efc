"""`/model`: the list as a phone shows it, and the progress of a download in a chat."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.people import FakeEngine, transcript
from tests.stage import until
from transcriber import model_choice, progress
from transcriber.errors import Lost, RetryLater
from transcriber.journal import Journal
from transcriber.model_choice import ModelChoice
from transcriber.progress import chat_progress
from transcriber.state import State
from transcriber.texts import Words

SAY = Words("en")


@pytest.fixture
def shelf(tmp_path: Path, tiny_weights: Path) -> Path:
    """A folder where tiny is present."""
    (tmp_path / "tiny").symlink_to(tiny_weights, target_is_directory=True)
    return tmp_path


async def listed(state: State, shelf: Path, model: str = "tiny", say: Words = SAY) -> dict[str, str]:
    """The answer to /model: name -> its two lines as one."""
    choice = ModelChoice(
        FakeEngine(model=model), state, Journal(state, say), say, models_dir=shelf, compute_type="int8"
    )
    text = await choice.text()
    assert max(map(len, text.splitlines())) <= 52, "too wide for a phone"
    blocks = [block.replace("\n", " | ") for block in text.split("\n\n")[1:-1]]
    return {block.split(",")[0].split(" ", 1)[1]: block for block in blocks}


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_the_list_has_the_usual_models_and_the_one_in_use(state: State, shelf: Path, language: str) -> None:
    usual = ["tiny", "base", "small", "medium", "large-v3-turbo", "distil-large-v3", "large-v3"]
    assert sorted(await listed(state, shelf, say=Words(language))) == sorted(usual)
    lines = await listed(state, shelf, model="owner/whisper", say=Words(language))
    assert list(lines) == ["owner/whisper", *usual]
    assert lines["owner/whisper"].startswith("▶️")


async def test_what_is_on_disk_and_what_does_not_fit_is_marked(
    state: State, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_choice, "free_bytes", lambda: 700 * 2**20)
    lines = await listed(state, shelf)
    assert lines["tiny"] == "▶️ tiny, 72 MB 💾 | memory 202 MB"
    assert lines["small"] == "▫️ small, 461 MB | memory 591 MB"
    assert lines["medium"] == "⛔ medium, 1.4 GB | memory 1.5 GB"


async def test_the_speed_is_measured_or_scaled_from_what_was(state: State, shelf: Path) -> None:
    journal = Journal(state, SAY)
    for elapsed_s in (4.0, 6.0):
        await journal.heard(transcript("text", model="base", duration_s=20.0, elapsed_s=elapsed_s))
    await journal.heard(transcript("", model="base", duration_s=600.0, elapsed_s=0.1))  # silence says nothing
    lines = await listed(state, shelf)
    assert "10 s of speech in 2.5 s" in lines["base"]
    assert "10 s of speech in ~8.0 s" in lines["small"]
    assert "10 s of speech in ~45 s" in lines["large-v3"]


async def test_progress_is_told_now_and_then_and_a_flood_wait_only_puts_it_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "EDIT_PAUSE_S", 0.05)
    told: list[float] = []
    troubles = [RetryLater("flood_wait", after_s=0.1, seconds=0), Lost("network_error", error="gone")]

    async def tell(fraction: float) -> None:
        if troubles:
            raise troubles.pop()
        told.append(fraction)

    async with chat_progress(tell) as on_progress:
        for count in range(1, 1001):
            on_progress(count / 1000)
            if count % 100 == 0:
                await asyncio.sleep(0.04)
        await until(lambda: told, "something told")
    assert len(told) <= 12
    assert told == sorted(told)
    on_progress(1.0)
    await asyncio.sleep(0)
    assert len(told) <= 12
