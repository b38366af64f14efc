"""The model in memory, with real weights: switched with room and without, put away and brought back."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.stage import until
from transcriber import models, resident
from transcriber.errors import Interrupted, ModelUnavailable
from transcriber.memory import keep_blocks
from transcriber.resident import Resident

GB = 2**30


def link(weights: Path, folder: Path, *, torn: bool = False) -> None:
    """The model `weights` under another name; `torn` cuts its model.bin off."""
    folder.mkdir()
    for file in weights.iterdir():
        (folder / file.name).symlink_to(file)
    if torn:
        (folder / "model.bin").unlink()
        (folder / "model.bin").write_bytes((weights / "model.bin").read_bytes()[:-1000])


@pytest.fixture
def shelf(tmp_path: Path, tiny_weights: Path) -> Path:
    """Two good models, one and two, and a torn one."""
    link(tiny_weights, tmp_path / "one")
    link(tiny_weights, tmp_path / "two")
    link(tiny_weights, tmp_path / "torn", torn=True)
    return tmp_path


@pytest.fixture
async def keeper(shelf: Path) -> AsyncIterator[Resident]:
    """The keeper of the model, with `one` loaded."""
    keeper = Resident(shelf, compute_type="int8", threads=1)
    await keeper.load("one")
    yield keeper
    await keeper.close()


def room(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    """So much memory is free."""
    monkeypatch.setattr(resident, "free_bytes", lambda: free_bytes)


async def name_in_use(keeper: Resident) -> str:
    """What somebody gets who needs a model now."""
    async with keeper.use() as loaded:
        assert loaded.model is not None
        return loaded.name


async def test_with_room_for_both_the_old_model_works_until_the_new_one_is_there(
    keeper: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 4 * GB)
    async with keeper.use() as old:
        await keeper.load("two")
        assert old.model is not None
        assert await name_in_use(keeper) == "two"
    await until(lambda: old.model is None, "the old model to go")


async def test_without_room_for_both_the_old_one_goes_first_and_who_comes_meanwhile_waits(
    keeper: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 150 * 2**20)  # tiny needs 202, and the old one gives 50 back
    monkeypatch.setattr(resident, "needed_bytes", lambda file_bytes, compute_type: 190 * 2**20)
    async with keeper.use() as old:
        switching = asyncio.create_task(keeper.load("two"))
        await until(lambda: keeper.is_away, "the old model to be no longer given out")
        late = asyncio.create_task(name_in_use(keeper))
        assert old.model is not None, "somebody still works with it"
        assert not switching.done()
    await switching
    assert old.model is None
    assert await late == "two"


@pytest.mark.parametrize("free_bytes", [4 * GB, 150 * 2**20], ids=["room for both", "no room"])
async def test_a_torn_model_is_one_error_and_the_old_one_is_there_again(
    keeper: Resident, monkeypatch: pytest.MonkeyPatch, free_bytes: int
) -> None:
    room(monkeypatch, free_bytes)
    monkeypatch.setattr(resident, "needed_bytes", lambda file_bytes, compute_type: 190 * 2**20)
    with pytest.raises(ModelUnavailable, match="model_torn"):
        await keeper.load("torn")
    assert keeper.name == "one"
    await until(lambda: not keeper.is_away, "the old one, before anybody asks for it")
    assert await name_in_use(keeper) == "one"


async def test_what_cannot_fit_is_refused_with_the_numbers_unless_the_settings_name_it(
    keeper: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 40 * 2**20)
    with pytest.raises(ModelUnavailable, match="model_too_large") as refusal:
        await keeper.load("two")
    assert refusal.value.values["free_mb"] == 81  # with what the old one holds
    assert refusal.value.values["needed_mb"] == 202
    assert await name_in_use(keeper) == "one"
    await keeper.load("two", trusted=True)
    assert await name_in_use(keeper) == "two"


async def test_a_model_nobody_needs_gives_its_memory_back_and_the_next_voice_brings_it_back(
    base_weights: Path,
) -> None:
    keeper = Resident(base_weights.parent, compute_type="float32", threads=1, idle_s=0.2)
    await keeper.load("base")
    with_it = psutil.Process().memory_info().rss
    async with keeper.use():
        await asyncio.sleep(0.5)
        assert not keeper.is_away, "put away while somebody worked with it"
    await until(lambda: keeper.is_away, "the rest")
    await asyncio.wrap_future(keeper._work.submit(lambda: None))
    gc.collect()
    assert with_it - psutil.Process().memory_info().rss > 200 * 2**20  # 305 MB of weights
    assert keeper.name == "base"
    assert await name_in_use(keeper) == "base"
    await keeper.close()


async def test_memory_that_voices_took_goes_back_when_they_are_done(
    keeper: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "_QUIET_S", 0.01)
    keep_blocks(fast=True)  # as for a note; after a long voice little would be left to give back
    async with keeper.use():
        blocks = [bytes(100_000) for _ in range(1000)]
        del blocks  # to the allocator, which keeps it for more work of that kind
    kept = psutil.Process().memory_info().rss
    await until(lambda: psutil.Process().memory_info().rss < kept - 50 * 2**20, "the memory to go back")


async def test_work_that_is_announced_brings_the_model_back_before_it_is_there(shelf: Path) -> None:
    keeper = Resident(shelf, compute_type="int8", threads=1, idle_s=0.2)
    await keeper.load("one")
    await until(lambda: keeper.is_away, "the rest")
    keeper._idle_s = 60.0
    keeper.wake()
    await until(lambda: not keeper.is_away, "the model")
    await keeper.close()


async def test_a_model_that_does_not_come_back_makes_voices_wait_until_one_is_there(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Resident(shelf, compute_type="int8", threads=1, idle_s=0.2)
    troubles: list[ModelUnavailable | None] = []
    keeper.on_trouble = troubles.append
    monkeypatch.setattr(resident, "_AGAIN_S", 0.1)
    await keeper.load("one")
    (shelf / "one" / "model.bin").rename(shelf / "hidden")
    await until(lambda: keeper.is_away, "the rest")
    first, second = asyncio.create_task(name_in_use(keeper)), asyncio.create_task(name_in_use(keeper))
    await until(lambda: len([trouble for trouble in troubles if trouble]) > 2, "several tries")
    assert not first.done()
    (shelf / "hidden").rename(shelf / "one" / "model.bin")
    assert (await first, await second) == ("one", "one")
    assert troubles[-1] is None
    await keeper.close()


async def test_a_stop_ends_the_waiting_for_a_model_and_its_download_at_once(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Resident(shelf, compute_type="int8", threads=1, idle_s=0.1)
    await keeper.load("one")
    (shelf / "one" / "model.bin").unlink()
    await until(lambda: keeper.is_away, "the rest")
    waiting = asyncio.create_task(name_in_use(keeper))
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(*_: object, on_progress: models.Progress, **__: object) -> Path:
        while True:
            loop.call_soon_threadsafe(begun.set)
            on_progress(0.5)

    monkeypatch.setattr(models, "obtain", endless)
    download = asyncio.create_task(keeper.load("two"))
    await begun.wait()
    keeper.leave()
    for task in (waiting, download):
        with pytest.raises(Interrupted):
            await task
    await keeper.close()
