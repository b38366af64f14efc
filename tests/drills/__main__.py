"""`python -m tests.drills [NAME …]`: needs Docker with docker-compose; prints a table, or what failed and code 1."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.drills.containers import Failed
from tests.drills.run import NAMES, play
from tests.weights import weights


def main() -> int:
    """The exit code."""
    names = sys.argv[1:] or NAMES
    if unknown := set(names) - set(NAMES):
        sys.exit(f"{', '.join(sorted(unknown))}: no such drill; there are {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory(prefix="drills-") as folder:
        seen: dict[str, str] = {}
        try:
            asyncio.run(play(Path(folder), weights("tiny.en"), names, seen))
        except Failed as error:
            print(error, file=sys.stderr)
    print("| What | Seen |\n|---|---|")
    for what, value in seen.items():
        print(f"| {what} | {value} |")
    return 0 if seen.get("lost") == seen.get("answered twice") == "0" else 1


if __name__ == "__main__":
    sys.exit(main())
