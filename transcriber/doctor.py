"""`doctor`: everything that has to be right for the program to run well here, each point with what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import platform
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

from transcriber import memory, models, preflight
from transcriber.catalog import needed_bytes, usual
from transcriber.errors import ModelUnavailable, TranscriberError
from transcriber.loading import AUTO
from transcriber.redis_client import RedisTrouble, connect, reply_of
from transcriber.redis_server import embedded_redis, running_url
from transcriber.texts import Words
from transcriber.verdict import heartbeat, verdict
from transcriber.voice import label
from transcriber.whisper import Whisper

# LibriVox, "Sense and Sensibility", 11 s: in the public domain; from Debian's pocketsphinx-testdata.
SAMPLE = Path(__file__).with_name("sample.ogg")
_PACKAGES = ("kurigram", "faster-whisper", "ctranslate2", "pydocket", "redis")
_FLAGS = ("avx", "avx2", "avx512f", "avx512_vnni", "avx_vnni", "fma", "asimd", "asimddp")
_MB = 1024**2
_DISK_RESERVE_MB = 500  # for audio in work, Redis' file and its rewriting
_PROGRAM_MB = 220  # Python, the libraries and the audio in work
_REACH_S = 5.0


@dataclass(frozen=True)
class Machine:
    """What is looked at."""

    data_dir: Path
    session_file: Path
    redis_url: str  # empty: the embedded one
    redis_conf: Path
    model: str
    compute_type: str
    threads: int
    has_account: bool

    @property
    def models_dir(self) -> Path:
        """Where models are kept."""
        return self.data_dir / "models"


@dataclass(frozen=True)
class Finding:
    """One point. `text` says how it is, or what is wrong and what to do."""

    name: str
    ok: bool
    text: str


async def examine(machine: Machine, say: Words) -> AsyncIterator[Finding]:
    """Every point, as soon as it is known; works beside the running program and without it."""
    yield _versions()
    yield _judged(
        "settings", None if machine.has_account else say("setting_missing", name="API_ID"), "API_ID, API_HASH"
    )
    yield _judged("folder", preflight.folder_writable(say, machine.data_dir), str(machine.data_dir.absolute()))
    yield _disk(machine, say)
    running = False
    async for finding in _redis(machine, say):
        running |= finding.name == "program"
        yield finding
    yield _judged("session", preflight.session_present(say, machine.session_file), str(machine.session_file))
    yield await _telegram(machine.session_file, say)
    yield _judged("cpu", preflight.cpu_capable(say), _cpu(machine))
    newest_s = max(preflight.RELEASED.timestamp(), _modified_s(machine.session_file))
    yield _judged("clock", preflight.clock_sane(say, time.time(), newest_s), time.strftime("%Y-%m-%d %H:%M %Z"))
    room = _memory(machine, say, running)
    yield room
    yield await _speed(machine, say, room.ok)


async def report(machine: Machine, say: Words, *, as_json: bool, show: Callable[[str], None]) -> int:
    """Show every finding, as lines or as JSON; the exit code: 0 when all is well."""
    logging.disable()  # the findings say it all
    findings = []
    async for finding in examine(machine, say):
        findings.append(finding)
        if not as_json:
            title = say(f"doctor_name_{finding.name}")
            show(f"{'✅' if finding.ok else '❌'} {title}: {finding.text}")
    if as_json:
        show(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    return 0 if all(finding.ok for finding in findings) else 1


def _judged(name: str, problem: str | None, text: str) -> Finding:
    return Finding(name, problem is None, problem or text)


def _versions() -> Finding:
    versions = [f"{package} {metadata.version(package)}" for package in _PACKAGES]
    return Finding("versions", True, ", ".join([f"Python {platform.python_version()}", *versions]))


def _disk(machine: Machine, say: Words) -> Finding:
    folder = next(path for path in (machine.data_dir.absolute(), *machine.data_dir.absolute().parents) if path.exists())
    free_mb = shutil.disk_usage(folder).free // _MB
    needed_mb = _DISK_RESERVE_MB + (0 if _model_mb(machine, only_present=True) else _model_mb(machine))
    problem = say("doctor_disk", free_mb=free_mb, needed_mb=needed_mb) if free_mb < needed_mb else None
    return _judged("disk", problem, say("doctor_free", mb=free_mb))


async def _redis(machine: Machine, say: Words) -> AsyncIterator[Finding]:
    try:
        async with _redis_url(machine, say) as url, connect(url) as redis:
            problem = await preflight.redis_usable(say, redis)
            version = "" if problem else str((await reply_of(redis.info("server")))["redis_version"])
            yield _judged(
                "redis", problem, f"{version} ({'REDIS_URL' if machine.redis_url else say('doctor_embedded')})"
            )
            beat = None if problem else await heartbeat(redis)
            if beat is not None:
                well, sentence = verdict(say, beat, time.time())
                yield Finding("program", well, sentence)
    except TranscriberError as error:
        yield Finding("redis", False, say.error(error))
    except RedisTrouble as error:
        yield Finding("redis", False, say("redis_unreachable", error=error))


@asynccontextmanager
async def _redis_url(machine: Machine, say: Words) -> AsyncIterator[str]:
    """The Redis of the settings, the embedded one of the running program, or else one of our own on the same data."""
    folder = machine.data_dir / "redis"
    if url := machine.redis_url or running_url(folder):
        async with connect(url) as redis:
            if machine.redis_url or not await preflight.redis_usable(say, redis):
                yield url
                return
    async with embedded_redis(folder, machine.redis_conf, say) as url:
        yield url


async def _telegram(session_file: Path, say: Words) -> Finding:
    """Whether the server that the session belongs to can be reached; nothing is said to it."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(session_file))}?mode=ro", uri=True)) as database:
            host, port = database.execute("SELECT server_address, port FROM sessions").fetchone()
    except (sqlite3.Error, TypeError):
        return Finding("telegram", False, say("doctor_no_server"))
    started_s = time.perf_counter()
    try:
        async with asyncio.timeout(_REACH_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        return Finding("telegram", False, say("doctor_unreachable", server=f"{host}:{port}", error=_reason(error)))
    writer.close()
    return Finding("telegram", True, f"{host}:{port}, {(time.perf_counter() - started_s) * 1000:.0f} ms")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _cpu(machine: Machine) -> str:
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        known = {word for line in lines if line.startswith(("flags", "Features")) for word in line.split()}
        return f"{platform.machine()}, {machine.threads} × ({', '.join(flag for flag in _FLAGS if flag in known)})"
    return f"{platform.machine()}, {machine.threads}"


def _memory(machine: Machine, say: Words, running: bool) -> Finding:
    free_mb, needed_mb = _free_mb(), _needed_mb(machine)
    if running:  # the model is in memory already
        return Finding("memory", True, say("doctor_free", mb=free_mb))
    problem = say("doctor_memory", free_mb=free_mb, needed_mb=needed_mb, model=label(machine.model))
    return _judged("memory", problem if free_mb < needed_mb else None, say("doctor_free", mb=free_mb))


def _free_mb() -> int:
    """What is free on the machine, or in this container if that is less."""
    return memory.free_bytes() // _MB


def _model_mb(machine: Machine, *, only_present: bool = False) -> int:
    """The size of the model on disk, or on the hub; 0 when nobody knows."""
    with contextlib.suppress(ModelUnavailable):
        if size_bytes := models.file_bytes(machine.model, machine.models_dir, trusted=True):
            return size_bytes // _MB
    known = usual(machine.model)
    return known.file_mb if known and not only_present else 0


def _needed_mb(machine: Machine) -> int:
    return needed_bytes(_model_mb(machine) * _MB, machine.compute_type) // _MB + _PROGRAM_MB


async def _speed(machine: Machine, say: Words, fits: bool) -> Finding:
    """The real-time factor of the chosen model on the sample; not measured where it would not fit into memory."""
    name = label(machine.model)
    if not _model_mb(machine, only_present=True):
        return Finding("speed", True, say("doctor_not_fetched", model=name, mb=_model_mb(machine)))
    if not fits or _free_mb() < _needed_mb(machine):
        return Finding("speed", True, say("doctor_not_measured", model=name))
    engine = Whisper(machine.models_dir, compute_type=machine.compute_type, threads=machine.threads)
    try:
        await engine.load(machine.model, trusted=True)
        heard, arithmetic = await engine.transcribe(SAMPLE), engine.arithmetic
    except TranscriberError as error:
        return Finding("speed", False, say.error(error))
    finally:
        await engine.close()
    factor = heard.elapsed_s / heard.duration_s
    why = say("doctor_arithmetic_auto" if AUTO in arithmetic else "doctor_arithmetic_set", arithmetic=arithmetic)
    measured = say("doctor_speed", model=name, factor=f"{factor:.2f}", seconds=f"{10 * factor:.1f}", arithmetic=why)
    return _judged("speed", f"{measured} {say('doctor_slow')}" if factor > 1 else None, measured)


def _modified_s(file: Path) -> float:
    return file.stat().st_mtime if file.exists() else 0.0
