"""`python -m tests.fuzz --media 20000 --commands 50000 --seed 1`: exit code 1 when something was found."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from config import REDIS_CONF
from tests.fuzz.commands import Report, fuzz_commands
from tests.fuzz.media import fuzz_media
from transcriber.redis_client import connect
from transcriber.redis_server import embedded_redis
from transcriber.state import State
from transcriber.texts import Words


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--media", type=int, default=0, help="how many broken media files")
    parser.add_argument("--commands", type=int, default=0, help="how many broken commands")
    parser.add_argument("--seed", type=int, default=1, help="draws them")
    parser.add_argument(
        "--first", type=int, default=0, help="the number of the first one, to go on or to see one again"
    )
    parser.add_argument(
        "--kept", type=Path, default=Path("fuzz-found"), help="where files that found something are put"
    )
    arguments = parser.parse_args()
    started_s = time.monotonic()
    media = asyncio.run(fuzz_media(arguments.seed, arguments.first, arguments.media, arguments.kept))
    print(media)
    print(f"{arguments.media} media files in {time.monotonic() - started_s:.0f} s")
    commands = asyncio.run(_commands(arguments.seed, arguments.commands))
    print(commands)
    return 1 if media.findings or commands.findings else 0


async def _commands(seed: int, count: int) -> Report:
    """The commands, with a Redis of their own."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        (Path(folder) / "data").mkdir()
        async with embedded_redis(Path(folder) / "redis", REDIS_CONF, Words()) as url, connect(url) as redis:
            return await fuzz_commands(seed, count, State(redis), Path(folder) / "data")


if __name__ == "__main__":
    sys.exit(main())
