"""The embedded Redis: real servers, real kills, and docket at work on top."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from docket import Docket, ExponentialRetry, Worker
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config import REDIS_CONF
from transcriber.errors import ActionNeeded
from transcriber.redis_server import embedded_redis, running_url
from transcriber.texts import Words

ROOT = Path(__file__).parents[1]
WORDS = Words("en")
LIMIT_S = 20.0

# Stands for the daemon: runs the embedded Redis, writes down its process id, and waits to be killed.
DAEMON = """
import asyncio, sys
from pathlib import Path
from config import REDIS_CONF
from redis.asyncio import Redis
from transcriber.redis_server import embedded_redis
from transcriber.texts import Words

async def main():
    async with embedded_redis(Path(sys.argv[1]), REDIS_CONF, Words("en")) as url, Redis.from_url(url) as client:
        await client.set("kept", "yes")
        print((await client.info("server"))["process_id"], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def until(condition: Callable[[], Awaitable[bool] | bool]) -> None:
    """Wait for a condition; TimeoutError if it does not come true."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            found = condition()
            if found is True or (not isinstance(found, bool) and await found):
                return
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def client_of(folder: Path) -> AsyncIterator[Redis]:
    async with embedded_redis(folder, REDIS_CONF, WORDS) as url, Redis.from_url(url, decode_responses=True) as client:
        yield client


async def server_pid(client: Redis) -> int:
    return int((await client.info("server"))["process_id"])


def lives(pid: int) -> bool:
    """The process still works: a dead one that nobody has buried yet does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@contextlib.asynccontextmanager
async def daemon(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A daemon of its own and the process id of its Redis."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DAEMON, str(folder), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        yield process, int(await asyncio.wait_for(process.stdout.readline(), LIMIT_S))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_it_is_private_durable_and_never_throws_work_away(tmp_path: Path) -> None:
    async with client_of(tmp_path / "redis") as client:
        settings = await client.config_get("*")
        assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "everysec")
        assert (settings["maxmemory-policy"], settings["port"]) == ("noeviction", "0")
        socket = tmp_path / "redis" / "redis.sock"
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


async def test_data_is_still_there_at_the_next_start(tmp_path: Path) -> None:
    async with client_of(tmp_path) as client:
        await client.set("a", "1")
        pid = await server_pid(client)
    assert not lives(pid)
    assert running_url(tmp_path) is None
    async with client_of(tmp_path) as client:
        assert await client.get("a") == "1"


async def test_a_log_that_ends_in_the_middle_of_a_write_is_read_up_to_there(tmp_path: Path) -> None:
    async with client_of(tmp_path) as client:
        await client.set("a", "1")
        await client.set("b", "2")
    log = tmp_path / "appendonly.aof"
    log.write_bytes(log.read_bytes()[:-3])
    async with client_of(tmp_path) as client:
        assert await client.get("a") == "1"
        assert await client.get("b") is None


async def test_a_damaged_log_is_a_sentence_with_the_server_s_reason(tmp_path: Path) -> None:
    async with client_of(tmp_path) as client:
        await client.set("a", "1")
    log = tmp_path / "appendonly.aof"
    log.write_bytes(b"rubbish" * 20 + log.read_bytes())
    with pytest.raises(ActionNeeded) as caught:
        async with client_of(tmp_path):
            pass
    assert "append only file" in WORDS.error(caught.value)


async def test_a_lost_server_is_started_again_with_its_data(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "transcriber")
    async with client_of(tmp_path) as client:
        await client.set("a", "1")
        os.kill(await server_pid(client), signal.SIGKILL)

        async def answers() -> bool:
            with contextlib.suppress(RedisError, OSError):
                return await client.get("a") == "1"
            return False

        await until(lambda: WORDS("redis_back") in caplog.text)
        await until(answers)
    assert WORDS("redis_lost", code=-9) in caplog.text


async def test_a_path_too_long_for_a_socket_still_works(tmp_path: Path) -> None:
    folder = tmp_path / ("deep " * 20) / ("100% & #" * 5)
    async with client_of(folder) as client:
        await client.set("a", "1")
        url = running_url(folder)
        assert url
        socket = Path(url.removeprefix("unix://"))
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert not socket.parent.exists()
    assert (folder / "appendonly.aof").exists()


async def test_odd_characters_in_the_path_reach_the_same_socket(tmp_path: Path) -> None:
    async with client_of(tmp_path / "a b#%?й") as client:
        assert await client.ping()


async def test_a_second_instance_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with client_of(tmp_path) as client:
        with pytest.raises(ActionNeeded) as caught:
            async with client_of(tmp_path):
                pass
        assert caught.value.key == "redis_folder_in_use"
        assert await client.ping()


async def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ActionNeeded) as caught:
        async with client_of(tmp_path / "file" / "redis"):
            pass
    assert caught.value.key == "folder_not_writable"


async def test_without_any_redis_server_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ActionNeeded) as caught:
        async with client_of(tmp_path):
            pass
    assert caught.value.key == "redis_no_binary"


async def test_the_server_goes_when_the_daemon_is_killed_and_the_next_start_works(tmp_path: Path) -> None:
    """No wait in between: the next start itself waits for the old server."""
    async with daemon(tmp_path) as (process, pid):
        process.kill()
        await process.wait()
        async with client_of(tmp_path) as client:
            assert not lives(pid)
            assert await client.get("kept") == "yes"


async def test_ctrl_c_in_the_terminal_does_not_reach_the_server(tmp_path: Path) -> None:
    async with daemon(tmp_path) as (process, pid):
        assert os.getpgid(pid) != os.getpgid(process.pid)


async def test_a_server_that_outlived_its_program_is_sent_away(tmp_path: Path) -> None:
    """So it is where no signal tells of a parent's death. The first instance's lock is released as by its death."""
    async with client_of(tmp_path) as client:
        pid = await server_pid(client)
        await client.set("a", "1")
        (tmp_path / "lock").unlink()
        async with client_of(tmp_path) as successor:
            assert await successor.get("a") == "1"
            assert await server_pid(successor) != pid


async def test_the_server_does_not_know_the_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_HASH", "0" * 32)
    async with client_of(tmp_path) as client:
        assert "API_HASH" not in psutil.Process(await server_pid(client)).environ()


async def test_docket_adds_once_per_key_and_retries(tmp_path: Path) -> None:
    runs: list[int] = []
    quickly = ExponentialRetry(attempts=3, minimum_delay=timedelta(milliseconds=10))

    async def job(retry: ExponentialRetry = quickly) -> None:
        runs.append(retry.attempt)
        if retry.attempt < 2:
            raise ConnectionError

    async with embedded_redis(tmp_path, REDIS_CONF, WORDS) as url, Docket(name="test", url=url) as docket:
        for _ in range(2):
            await docket.add(job, key="chat:1")()
        async with Worker(docket) as worker:
            await worker.run_until_finished()
    assert runs == [1, 2]


WORKER = """
import asyncio, sys
from datetime import timedelta
from docket import Docket, Worker

async def job() -> None:
    print("begun", flush=True)
    await asyncio.Event().wait()

async def main():
    async with Docket(name="test", url=sys.argv[1]) as docket:
        docket.register(job)
        await docket.add(job, key="chat:1")()
        async with Worker(docket, redelivery_timeout=timedelta(seconds=1)) as worker:
            await worker.run_forever()

asyncio.run(main())
"""


async def test_docket_gives_a_killed_worker_s_job_to_the_next_one(tmp_path: Path) -> None:
    done = asyncio.Event()

    async def job() -> None:
        done.set()

    async with embedded_redis(tmp_path, REDIS_CONF, WORDS) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, url, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout
        assert await asyncio.wait_for(process.stdout.readline(), LIMIT_S) == b"begun\n"
        process.kill()
        await process.communicate()
        async with Docket(name="test", url=url) as docket:
            docket.register(job)
            async with Worker(docket, redelivery_timeout=timedelta(seconds=1)) as worker:
                running = asyncio.create_task(worker.run_until_finished())
                await asyncio.wait_for(done.wait(), LIMIT_S)
                await running
