"""`python -m tests.chaos --voices 200 --seed 1`: exit code 1 unless each voice got exactly one answer."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import run
from tests.weights import weights


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--voices", type=int, default=200, help="how many voices are sent")
    parser.add_argument("--seed", type=int, default=1, help="draws the voices and the faults")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    outcome = asyncio.run(run(arguments.voices, arguments.seed, folder, weights("tiny.en")))
    print(outcome)
    if not outcome.good:
        print(f"the daemon's log: {folder / 'daemon.log'}")
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
