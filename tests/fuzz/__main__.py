"""`python -m tests.fuzz --media 20000 --commands 50000 --seed 1`: exit code 1 when something was found."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from tests.fuzz.media import fuzz_media


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--media", type=int, default=0, help="how many broken media files")
    parser.add_argument("--seed", type=int, default=1, help="draws them")
    parser.add_argument(
        "--first", type=int, default=0, help="the number of the first one, to go on or to see one again"
    )
    parser.add_argument(
        "--kept", type=Path, default=Path("fuzz-found"), help="where files that found something are put"
    )
    arguments = parser.parse_args()
    started_s = time.monotonic()
    report = asyncio.run(fuzz_media(arguments.seed, arguments.first, arguments.media, arguments.kept))
    print(report)
    print(f"{arguments.media} media files in {time.monotonic() - started_s:.0f} s")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
