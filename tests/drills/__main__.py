"""`python -m tests.drills`: needs Docker with docker-compose; prints a table, or what failed and exit code 1."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.drills.containers import Failed
from tests.drills.run import play
from tests.weights import weights


def main() -> int:
    """The exit code."""
    with tempfile.TemporaryDirectory(prefix="drills-") as folder:
        try:
            seen = asyncio.run(play(Path(folder), weights("tiny.en")))
        except Failed as error:
            print(error, file=sys.stderr)
            return 1
    print("| What | Seen |\n|---|---|")
    for what, value in seen.items():
        print(f"| {what} | {value} |")
    return 0 if seen["lost"] == seen["answered twice"] == "0" else 1


if __name__ == "__main__":
    sys.exit(main())
