"""The engine beside faster-whisper as it comes, on the same weights: `make bench`, or with more recordings

    python -m benchmarks.bench [FOLDER ...] [--runs 5] [--long-runs 5]

Each FOLDER has a manifest.json like tests/voices, the default. One process for each engine; they take turns at every
file, so that a machine that is busy for a while is so for all; what counts is the median of the ratios of a turn.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from config.cpu import usable_cores
from tests.weights import weights
from tests.wer import word_error_rate

ROOT = Path(__file__).parent.parent
ENGINES = ("ours", "naive", "greedy")
MODEL = "base"
SHORT_S, LONG_S = 15.0, 55.0


class Contender:
    """An engine in a process of its own."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, "-m", "benchmarks.contender", name, str(weights(MODEL)), str(usable_cores())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def __enter__(self) -> Self:
        assert self._line() == "ready"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def transcribe(self, file: Path, language: str) -> dict[str, Any]:
        """wall_s, cpu_s, peak_mb, text."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"file": str(file), "language": language}) + "\n")
        self._process.stdin.flush()
        result: dict[str, Any] = json.loads(self._line())
        return result

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@dataclass(frozen=True)
class Row:
    """One recording by one engine; medians over the runs, the ratio over those of each turn."""

    file: str
    seconds: float
    engine: str
    wall_s: float
    cpu_s: float
    of_naive: float
    peak_mb: float
    wer: float


def measure(folders: list[Path], runs: int, long_runs: int) -> Iterator[list[Row]]:
    """Every recording by every engine; after each one all rows so far."""
    rows: list[Row] = []
    with Contender("ours") as ours, Contender("naive") as naive, Contender("greedy") as greedy:
        engines = dict(zip(ENGINES, (ours, naive, greedy), strict=True))
        for engine in engines.values():  # the first time is for the caches
            engine.transcribe(ROOT / "tests" / "voices" / "en_3s.ogg", "en")
        for file, entry in _recordings(folders):
            count = long_runs if entry["seconds"] >= LONG_S else runs
            turns = [
                {name: engine.transcribe(file, entry["lang"] or "en") for name, engine in engines.items()}
                for _ in range(count)
            ]
            for name in ENGINES:
                rows.append(_row(entry, name, turns))
                print(_cells(rows[-1]), flush=True)
            yield rows


def _recordings(folders: list[Path]) -> list[tuple[Path, dict[str, Any]]]:
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for folder in folders:
        for entry in json.loads((folder / "manifest.json").read_text("utf-8")):
            found.setdefault(entry["file"], (folder / entry["file"], entry))
    return sorted(found.values(), key=lambda item: float(item[1]["seconds"]))


def _row(entry: dict[str, Any], engine: str, turns: list[dict[str, dict[str, Any]]]) -> Row:
    results = [turn[engine] for turn in turns]
    said = entry["text"] if entry["lang"] else ""
    return Row(
        entry["file"],
        entry["seconds"],
        engine,
        wall_s=round(statistics.median(result["wall_s"] for result in results), 3),
        cpu_s=round(statistics.median(result["cpu_s"] for result in results), 3),
        of_naive=round(statistics.median(turn[engine]["wall_s"] / turn["naive"]["wall_s"] for turn in turns), 3),
        peak_mb=round(max(result["peak_mb"] for result in results)),
        wer=round(statistics.mean(word_error_rate(said, result["text"]) for result in results), 4),
    )


def _cells(row: Row) -> str:
    cells = [row.file, f"{row.seconds:.1f}", row.engine, f"{row.wall_s:.2f}", f"{row.cpu_s:.2f}"]
    return "| " + " | ".join([*cells, f"{row.of_naive:.2f}", f"{row.peak_mb:.0f}", f"{row.wer:.3f}"]) + " |"


def summary(rows: list[Row]) -> str:
    """The last line: mean ratios of the short and the long voices, mean word errors over all with speech."""
    speech = [row for row in rows if not row.file.startswith(("silence", "noise", "music"))]

    def mean(values: list[float]) -> str:
        return f"{statistics.mean(values):.2f}" if values else "-"

    ours = [row for row in speech if row.engine == "ours"]
    short = mean([row.of_naive for row in ours if row.seconds <= SHORT_S])
    long = mean([row.of_naive for row in ours if row.seconds >= LONG_S])
    errors = {name: [row.wer for row in speech if row.engine == name] or [0.0] for name in ENGINES}
    wer = {name: statistics.mean(values) for name, values in errors.items()}
    return f"short {short}, long {long} of naive; WER ours {wer['ours']:.3f} naive {wer['naive']:.3f}"


def conditions(runs: int, long_runs: int) -> dict[str, str]:
    """The machine, the versions, the date."""
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")] if cpuinfo.exists() else []
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cpu": names[0].partition(":")[2].strip() if names else platform.processor(),
        "cores": str(usable_cores()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "model": f"{MODEL}, int8",
        "runs": f"{runs}, of voices of {LONG_S:g} s and more {long_runs}",
        **{name: version(name) for name in ("faster-whisper", "ctranslate2", "numpy")},
        "Python": platform.python_version(),
    }


HEAD = "| voice | s | engine | wall s | CPU s | of naive | peak MB | WER |\n|---|---|---|---|---|---|---|---|"


def main() -> None:
    """Measures, prints, writes benchmarks/results.json and docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[ROOT / "tests" / "voices"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--long-runs", type=int, default=5)
    asked = parser.parse_args()
    print(HEAD)
    rows: list[Row] = []
    for rows in measure(asked.folders, asked.runs, asked.long_runs):
        _write(
            conditions(asked.runs, asked.long_runs), rows
        )  # after each recording: an end in the middle loses nothing
    print(summary(rows))


def _write(machine: dict[str, str], rows: list[Row]) -> None:
    results = {"conditions": machine, "rows": [asdict(row) for row in rows], "summary": summary(rows)}
    (ROOT / "benchmarks" / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    _write_page(machine, rows)


def _write_page(machine: dict[str, str], rows: list[Row]) -> None:
    lines = [
        "# Performance",
        "Written by `make bench`. *naive* is `WhisperModel(...).transcribe(path)` with its defaults, *greedy* the same "
        "with the language known and no beam, *ours* finds the language itself.",
        "\n".join(f"- {name}: {value}" for name, value in machine.items()),
        "\n".join([HEAD, *map(_cells, rows)]),
        f"**{summary(rows)}**",
    ]
    (ROOT / "docs" / "performance.md").write_text("\n\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
