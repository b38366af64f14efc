"""From the sender's thumb to the reply: the whole way through the sandbox and the unmodified daemon, in numbers.

`python -m benchmarks.end_to_end` takes about three minutes. Each time stands beside bare faster-whisper with the same
file, weights and options, in a process of its own, taken in turns, because a machine is not equally fast all the time.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from config.cpu import usable_cores
from demo.stage import Stage, stage
from tests.weights import weights

VOICES = Path(__file__).parent.parent / "tests" / "voices"
FILES = ("en_real_3s.ogg", "en_real_11s.ogg", "en_real_25s.ogg")
LONG = "en_60s.ogg"
RUNS = 5
IDLE_S = 20.0
PATIENCE_S = 120.0
MODEL = "base"


class Bare:
    """faster-whisper alone, as a process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def seconds(self, file: Path) -> float:
        """How long one transcription took."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{file}\n".encode())
        return float(await self.line())

    async def line(self) -> str:
        """The next line it prints."""
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def bare(folder: Path) -> AsyncIterator[Bare]:
    """A Bare that has loaded its model."""
    process = await _engine("bare", str(folder), str(usable_cores()))
    try:
        alone = Bare(process)
        assert await alone.line() == "ready"
        yield alone
    finally:
        process.kill()
        await process.wait()


async def measure() -> None:
    """Everything, as lines of tables."""
    folder = weights(MODEL)
    _say(f"Whisper {MODEL}, int8, {usable_cores()} threads, {RUNS} runs, medians\n")
    async with stage(folder, "en", owner="Owner", friend="Friend") as people, people.running():
        async with bare(folder) as alone:
            await _ratios(people, alone)
        await _status_during_work(people)
        process = psutil.Process(people.daemon.process.pid)
        _say(f"memory of the daemon with the model, after the above: {_memory_mb(process):.0f} MB")
        _say(f"idle: {await _idle_percent(process):.2f} % of a core over {IDLE_S:g} s, Redis included")
    _say(f"memory without a model: {await _answer_of('size'):.0f} MB")
    blocked_ms = await _answer_of("lag", str(folder), str(usable_cores()), str(VOICES / LONG))
    _say(f"event loop while a 60 s voice is transcribed: blocked for {blocked_ms:.1f} ms at most")


async def _ratios(people: Stage, alone: Bare) -> None:
    _say("| voice | reply after | bare faster-whisper | ratio |\n|---|---|---|---|")
    manifest = {entry["file"]: entry for entry in json.loads((VOICES / "manifest.json").read_text("utf-8"))}
    for file in FILES:
        length_s = manifest[file]["seconds"]
        await _reply_s(people, file, length_s)  # the first one of each is for the caches
        await alone.seconds(VOICES / file)
        pairs = [(await _reply_s(people, file, length_s), await alone.seconds(VOICES / file)) for _ in range(RUNS)]
        ours_s, bare_s = (statistics.median(column) for column in zip(*pairs, strict=True))
        _say(f"| {length_s:.1f} s | {ours_s:.2f} s | {bare_s:.2f} s | {ours_s / bare_s:.2f} |")
    _say("")


async def _reply_s(people: Stage, file: str, length_s: float) -> float:
    with tempfile.NamedTemporaryFile(suffix=".ogg") as fresh:
        fresh.write((VOICES / file).read_bytes() + os.urandom(8))  # a recording of its own: the same is heard once only
        fresh.flush()
        started_s = time.perf_counter()
        message_id = await people.friends_phone.send_voice(people.owner, Path(fresh.name), length_s)
        arrival = await people.friends_phone.reply(message_id, PATIENCE_S)
    return arrival.at_s - started_s


async def _status_during_work(people: Stage) -> None:
    """Ask again and again until the long voice has its answer."""
    phone = people.owners_phone
    work = asyncio.create_task(_reply_s(people, LONG, 58.7))
    answers_s = []
    while not work.done():
        started_s = time.perf_counter()
        message_id = await phone.send_text("me", "/status")
        answers_s.append((await phone.edit(message_id, PATIENCE_S)).at_s - started_s)
        await asyncio.wait({work}, timeout=1.0)
    median_s, worst_s = statistics.median(answers_s), max(answers_s)
    _say(f"a 60 s voice: reply after {await work:.1f} s")
    _say(f"/status meanwhile: {median_s:.3f} s, {worst_s:.3f} s at worst, {len(answers_s)} times")


async def _idle_percent(process: psutil.Process) -> float:
    before_s = _cpu_s(process)
    await asyncio.sleep(IDLE_S)
    return (_cpu_s(process) - before_s) / IDLE_S * 100


def _cpu_s(process: psutil.Process) -> float:
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _memory_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1024**2


async def _answer_of(*arguments: str) -> float:
    process = await _engine(*arguments)
    return float((await process.communicate())[0].split()[-1])


async def _engine(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.engine", *arguments, stdin=PIPE, stdout=PIPE
    )


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(measure())
