"""Watches the worker: a crash, a hang or a surprise is counted, its file is kept, and the work goes on behind it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.mutate import mutant, seeds

WORKER = ("-m", "tests.fuzz.worker")
PATIENCE_S = 10.0  # for one file
START_S = 60.0  # importing the engine's filter on a busy machine
WARM_UP = 1_000  # files until every decoder and the speech filter were in use


@dataclass
class Report:
    """How many files went how; `findings` are what must not happen, by number."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[int, str] = field(default_factory=dict)
    memory_kb: list[int] = field(default_factory=list)  # after each file

    @property
    def grown_kb(self) -> int:
        """How much more a worker takes at the end; of many files, since one may just hold a long sound."""
        after = self.memory_kb[WARM_UP:]
        return min(after[-WARM_UP:]) - min(after[:WARM_UP]) if len(after) > WARM_UP else 0

    def __str__(self) -> str:
        lines = [f"{count:8} {outcome}" for outcome, count in self.outcomes.most_common()]
        lines += [f"FOUND {number}: {what}" for number, what in sorted(self.findings.items())]
        return "\n".join([*lines, f"memory grew by {self.grown_kb} KB after the first {WARM_UP} files"])


async def fuzz_media(seed: int, first: int, count: int, kept: Path) -> Report:
    """Have `count` broken files heard, from number `first` on; the files of the findings are put into `kept`."""
    report = Report()
    end = first + count
    while first < end:
        first = await _watch(seed, first, end - first, report)
    for number in [number for number, what in report.findings.items() if what == "HANG"]:
        again = Report()  # by itself: a busy machine may have stood still
        await _watch(seed, number, 1, again)
        if not again.findings:
            del report.findings[number]
    for number in report.findings:
        kept.mkdir(parents=True, exist_ok=True)
        (kept / f"{seed}-{number}.media").write_bytes(mutant(seeds(), seed, number))
    return report


async def _watch(seed: int, first: int, count: int, report: Report) -> int:
    """One worker until it is through or has to be replaced; the number to go on with."""
    command = (sys.executable, *WORKER, str(seed), str(first), str(count))
    worker = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    number = first
    try:
        for number in range(first, first + count):
            outcome, memory_kb = await _one(worker, START_S if number == first else PATIENCE_S)
            report.outcomes[outcome] += 1
            if outcome[0].isupper():
                report.findings[number] = outcome
            if not memory_kb:
                break
            report.memory_kb.append(memory_kb)
        return number + 1
    finally:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()


async def _one(worker: Process, start_s: float) -> tuple[str, int]:
    """What became of the next file, and the worker's memory in KB: 0 when there is no worker any more."""
    assert worker.stdout is not None
    try:
        async with asyncio.timeout(start_s):
            if not await worker.stdout.readline():
                raise RuntimeError("the worker ended between two files")
        async with asyncio.timeout(PATIENCE_S):
            line = await worker.stdout.readline()
    except TimeoutError:
        return "HANG", 0
    if not line:
        return f"CRASH {await worker.wait()}", 0
    _, memory_kb, outcome = line.decode().strip().split(" ", 2)
    return outcome, int(memory_kb)
