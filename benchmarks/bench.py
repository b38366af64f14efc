"""The engine beside its rivals on the same weights: `make bench` writes results.json and docs/performance.md.

    python -m benchmarks.bench [--only ru_3s] [--turns 1] [--parts voices,quiet]    less, written to .cache/bench/

About an hour and a half on two quiet cores. What is found is written after each voice; an engine that dies is started
again and the page says how it died.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import loads
from benchmarks.page import VOICE_HEAD, cells, line, page, table
from benchmarks.processes import Died, Lane
from benchmarks.race import LANGUAGES, race
from benchmarks.recordings import ROOT
from benchmarks.results import Results, summary
from config.cpu import usable_cores

PARTS = ("quiet", "throughput", "memory", "compute", "voices")  # the long one last: a run that is cut off has the rest
TURNS = 5


def run(parts: list[str], only: str, turns: int, folder: Path) -> Results:
    """Measures the `parts`; what is found is written below `folder` after each step."""
    results = Results(conditions(turns))
    lane = Lane(usable_cores(), results.deaths)
    for name in parts:
        try:
            if name == "voices":
                print(table(VOICE_HEAD, ()), flush=True)
                for rows in race(lane, only, turns):
                    results.rows += rows
                    print("\n".join(line(cells(row)) for row in rows), flush=True)
                    write(results, folder)
            elif name == "quiet":
                results.quiet = loads.quiet(lane, turns)
            elif name == "throughput":
                results.throughput = loads.throughput(lane, turns)
            elif name == "memory":
                results.memory = loads.memory(lane)
            elif name == "compute":
                results.compute = loads.compute_types(lane, turns)
        except Died as death:  # while loading: there is no way on with this part
            lane.note(name, death)
        write(results, folder)
    return results


def write(results: Results, folder: Path) -> None:
    """results.json and the page."""
    for name, text in (
        ("benchmarks/results.json", json.dumps(results.plain(), indent=1, ensure_ascii=False) + "\n"),
        ("docs/performance.md", page(results)),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def conditions(turns: int) -> dict[str, str]:
    """The machine, the versions, the date."""
    info = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    said = {name.strip(): value.strip() for name, _, value in (entry.partition(":") for entry in info)}
    fast = [flag for flag in ("avx2", "avx512f", "avx_vnni", "avx512_vnni") if flag in said.get("flags", "").split()]
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": f"{said.get('model name', platform.processor())}, {usable_cores()} cores ({', '.join(fast)})",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "weights": f"Whisper {' and '.join(LANGUAGES)}, int8, {usable_cores()} threads",
        "turns": str(turns),
        "Python": platform.python_version(),
        **{name: _version(name) for name in ("faster-whisper", "ctranslate2", "numpy", "pywhispercpp")},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed, left out"


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="voices with this in their name")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--parts", type=lambda text: text.split(","), default=list(PARTS))
    asked = parser.parse_args()
    is_whole = (asked.only, asked.turns, asked.parts) == ("", TURNS, list(PARTS))
    folder = ROOT if is_whole else ROOT / ".cache" / "bench"
    results = run(asked.parts, asked.only, asked.turns, folder)
    print(f"\nwritten to {folder}/docs/performance.md\n{summary(results.rows)}")


if __name__ == "__main__":
    main()
