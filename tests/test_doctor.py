"""The doctor: real machine, real Redis, real weights; beside the running program and without it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config import REDIS_CONF
from sandbox import Telegram
from tests.stage import Stage
from transcriber import doctor
from transcriber.doctor import Finding, Machine, examine
from transcriber.redis_server import embedded_redis
from transcriber.texts import Words

SAY = Words("en")
NAMES = ["versions", "settings", "folder", "disk", "redis", "session", "telegram", "cpu", "clock", "memory", "speed"]


@pytest.fixture
async def server() -> AsyncIterator[int]:
    """Something that listens, as Telegram would; its port."""
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    yield int(listening.sockets[0].getsockname()[1])
    listening.close()
    await listening.wait_closed()


def session(file: Path, port: int) -> Path:
    """A session file, as far as the doctor looks."""
    database = sqlite3.connect(file)
    with database:
        database.execute(
            "CREATE TABLE sessions (dc_id INTEGER, server_address TEXT, port INTEGER, auth_key BLOB, user_id INTEGER)"
        )
        database.execute("INSERT INTO sessions VALUES (2, '127.0.0.1', ?, ?, 5)", (port, b"k"))
    database.close()
    return file


def machine(folder: Path, session_file: Path, model: str, *, redis_url: str = "", has_account: bool = True) -> Machine:
    """A machine as the settings describe it."""
    return Machine(folder, session_file, redis_url, REDIS_CONF, model, "int8", 2, has_account)


async def look(what: Machine) -> dict[str, Finding]:
    """Every finding by its name."""
    return {finding.name: finding async for finding in examine(what, SAY)}


async def test_a_machine_in_order_is_all_ok_and_its_speed_is_measured(
    tmp_path: Path, server: int, tiny_weights: Path
) -> None:
    found = await look(machine(tmp_path, session(tmp_path / "a.session", server), str(tiny_weights)))
    assert list(found) == NAMES
    assert {name for name, finding in found.items() if not finding.ok} <= {"speed"}, "a busy machine may be slow"
    assert "faster-whisper" in found["versions"].text
    assert "avx" in found["cpu"].text or "asimd" in found["cpu"].text
    assert "seconds of work per second of speech" in found["speed"].text


async def test_everything_that_is_wrong_is_said_with_what_to_do(tmp_path: Path) -> None:
    what = machine(tmp_path, tmp_path / "no.session", "small", redis_url="redis://127.0.0.1:1/0", has_account=False)
    found = await look(what)
    assert [name for name, finding in found.items() if not finding.ok] == ["settings", "redis", "session", "telegram"]
    assert "my.telegram.org" in found["settings"].text
    assert "REDIS_URL" in found["redis"].text
    assert "login" in found["session"].text
    assert "login" in found["telegram"].text


async def test_a_server_that_cannot_be_reached_is_named_within_the_limit(
    tmp_path: Path, server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await doctor._telegram(session(tmp_path / "a.session", 1), SAY)
    assert not found.ok
    assert "127.0.0.1:1" in found.text
    monkeypatch.setattr(doctor, "_REACH_S", 0.0)
    assert not (await doctor._telegram(session(tmp_path / "b.session", server), SAY)).ok


async def test_it_uses_the_redis_of_the_running_program_and_leaves_it_running(tmp_path: Path) -> None:
    async with embedded_redis(tmp_path / "redis", REDIS_CONF, SAY):
        found = await look(machine(tmp_path, tmp_path / "no.session", "small"))
        assert found["redis"].ok
        assert (await look(machine(tmp_path, tmp_path / "no.session", "small")))["redis"].ok


async def test_an_address_left_by_a_killed_program_does_not_mislead_it(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "address").write_text(f"unix://{tmp_path}/gone.sock")
    assert (await look(machine(tmp_path, tmp_path / "no.session", "small")))["redis"].ok


@pytest.mark.parametrize(
    ("model", "size_mb"),
    [("small", 461), ("base.en", 138), ("large-v3", 2944), ("turbo", 1543), ("owner/name", 0)],
)
def test_a_model_that_is_not_here_is_known_by_its_size(tmp_path: Path, model: str, size_mb: int) -> None:
    assert doctor._model_mb(machine(tmp_path, tmp_path / "a.session", model)) == size_mb


def test_memory_that_does_not_suffice_is_a_problem_only_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_free_mb", lambda: 500)
    what = machine(tmp_path, tmp_path / "a.session", "small")
    problem = doctor._memory(what, SAY, running=False)
    assert not problem.ok
    assert "WHISPER_MODEL" in problem.text
    assert doctor._memory(what, SAY, running=True).ok


async def test_the_command_works_beside_the_running_program(tmp_path: Path, tiny_weights: Path) -> None:
    async with Telegram() as telegram:
        stage = Stage(telegram, tmp_path, tiny_weights, LANGUAGE="en")
        await stage.daemon.start(wait_for="The bot is running!")
        await stage.daemon.line("Tracked users: @anna_t")
        await asyncio.sleep(6)  # by then a heartbeat has said that Telegram is there
        _, output = await stage.daemon.ask("doctor", "--json")
        found = {finding["name"]: finding for finding in json.loads(output)}
        assert set(found) == {*NAMES, "program"}
        assert found["program"]["ok"]
        assert found["telegram"]["ok"]
        assert await stage.daemon.stop() == 0
        code, output = await stage.daemon.ask("doctor", API_HASH="")
        assert code == 1
        assert next(line for line in output.splitlines() if line.startswith("❌")).startswith("❌ Settings: API_ID")
