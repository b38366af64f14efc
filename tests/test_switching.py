"""Models switched, fetched, refused and put away in the running program, by its owner in a chat."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from sandbox import Telegram
from tests.hub import Hub, serving
from tests.stage import Stage, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


class SlowHub(Hub):
    """Serves tiny.en, its second half when the gate opens."""

    gate = threading.Event()


@pytest.fixture(scope="module")
def hub(tiny_weights: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a hub, and what it was asked."""
    SlowHub.files = {file.name: file.read_bytes() for file in tiny_weights.iterdir()}
    with serving(SlowHub) as found:
        yield found
        SlowHub.gate.set()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    tmp_path_factory: pytest.TempPathFactory, base_weights: Path, tiny_weights: Path, hub: tuple[str, list[str]]
) -> AsyncIterator[Stage]:
    """A daemon with base, a hub to fetch from, and on its shelf tiny.en, a torn model and one that is far too large."""
    async with Telegram() as telegram:
        folder = tmp_path_factory.mktemp("switching")
        stage = Stage(telegram, folder, base_weights, HF_ENDPOINT=hub[0])
        shelf = stage.data / "models"
        shelf.mkdir()
        (shelf / "tiny.en").symlink_to(tiny_weights, target_is_directory=True)
        for name in ("torn", "huge"):
            (shelf / name).mkdir()
            for file in tiny_weights.iterdir():
                (shelf / name / file.name).write_bytes(file.read_bytes()[: 10**6])
        with (shelf / "huge" / "model.bin").open("r+b") as sparse:
            sparse.truncate(2**40)
        await stage.daemon.start()
        yield stage
        await stage.daemon.stop()


def shown(stage: Stage) -> str:
    """The owner's last message, as it reads now."""
    return str(stage.telegram.messages(stage.owner, stage.owner)[-1].text)


async def test_a_switch_while_a_voice_is_in_work_loses_nothing(stage: Stage, voices: Path) -> None:
    long = stage.telegram.send_voice(stage.anna, stage.owner, (voices / "en_60s.ogg").read_bytes(), duration_s=59)
    assert "base" in await stage.command("/model")
    assert (await stage.command("/model tiny.en")).startswith("✅")
    short = stage.telegram.send_voice(stage.anna, stage.owner, (voices / "en_3s.ogg").read_bytes(), duration_s=3)
    for sent in (long, short):
        assert not (await stage.answer(stage.anna, sent)).startswith("❌")
    assert "▶️ tiny.en" in await stage.command("/model")


@pytest.mark.parametrize(("name", "says"), [("torn", "обрывается"), ("huge", "не поместится"), ("../x", "имен")])
async def test_a_model_that_cannot_be_used_is_one_sentence_and_the_old_one_goes_on(
    stage: Stage, voices: Path, name: str, says: str
) -> None:
    answer = await stage.command(f"/model {name}")
    assert says in answer
    assert "tiny.en" in answer
    sent = stage.telegram.send_voice(stage.anna, stage.owner, (voices / "en_3s.ogg").read_bytes(), duration_s=3)
    assert not (await stage.answer(stage.anna, sent)).startswith("❌")


@pytest.mark.parametrize("chosen", ["torn", "huge", "gone"])
async def test_a_chosen_model_that_cannot_be_used_any_more_gives_way_to_the_settings_one(
    stage: Stage, chosen: str
) -> None:
    async with await stage.redis() as redis:
        await redis.set("vt:model", chosen)
    await stage.daemon.stop()
    await stage.daemon.start()
    assert "▶️ base" in await stage.command("/model")


async def test_a_stop_does_not_wait_for_a_download_and_the_next_one_goes_on_and_tells_how_far(
    stage: Stage, hub: tuple[str, list[str]]
) -> None:
    stage.telegram.send_text(stage.owner, stage.owner, "/model someone/whisper")
    await until(lambda: re.search(r"4\d %", shown(stage)), "progress in the chat")
    assert await stage.daemon.stop() == 0  # the hub would hold it for ever
    await stage.daemon.start()
    SlowHub.gate.set()
    assert (await stage.command("/model someone/whisper")).startswith("✅")
    assert any("bytes=" in line for line in hub[1]), "it began anew"


async def test_a_stop_before_the_first_connection_does_not_wait_for_the_model(stage: Stage) -> None:
    await stage.daemon.stop()
    async with Telegram() as telegram:
        fresh = Stage(
            telegram, stage.data / "fresh", Path("someone/whisper"), HF_ENDPOINT=stage.daemon.env["HF_ENDPOINT"]
        )
        SlowHub.gate.clear()
        await fresh.daemon.start(wait_for="someone/whisper: ")
        assert await fresh.daemon.stop() == 0
        assert "остановлен корректно" in fresh.daemon.text
        SlowHub.gate.set()
    await stage.daemon.start()


async def test_an_idle_model_gives_its_memory_back_and_the_next_voice_brings_it_back(
    stage: Stage, voices: Path
) -> None:
    await stage.command("/model tiny.en")
    await stage.daemon.stop()
    stage.daemon.env |= {"MODEL_IDLE_MINUTES": "0.05", "COMPUTE_TYPE": "float32"}
    await stage.daemon.start()
    process = psutil.Process(stage.daemon.process.pid)
    with_it = process.memory_info().rss
    await until(lambda: with_it - process.memory_info().rss > 80 * 2**20, "the memory")
    status = await stage.command("/status")
    assert "отдыхает" in status
    assert "🟢 Whisper: OK" in status
    async with asyncio.timeout(30):  # the last heartbeat may be from before the connection
        while (await stage.daemon.ask("health"))[0] != 0:
            pass
    sent = stage.telegram.send_voice(stage.anna, stage.owner, (voices / "en_3s.ogg").read_bytes(), duration_s=3)
    assert not (await stage.answer(stage.anna, sent)).startswith("❌")
