"""Run a Telegram of your own as a process: `python -m sandbox --help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
from pathlib import Path

from . import Telegram
from .control import ControlServer


def main() -> None:
    """Parse the command line and run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where clients connect (default: the last one, or any)")
    parser.add_argument("--control-port", type=int, default=0, help="where the control port listens (default: any)")
    parser.add_argument("--state", type=Path, help="keep accounts, keys, messages and files in this file")
    parser.add_argument("--verbose", action="store_true", help="log more")
    options = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.INFO)
    asyncio.run(run(options.port, options.control_port, options.state))


async def run(port: int, control_port: int, state: Path | None) -> None:
    """Serve, and say so in one line of JSON on stdout."""
    stopping = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopping.set)
    telegram = Telegram(state)
    control = ControlServer(telegram)
    await telegram.start(port)
    await control.start(control_port)
    print(json.dumps({"port": telegram.port, "control_port": control.port}), flush=True)
    await stopping.wait()
    await control.stop()
    await telegram.stop()


if __name__ == "__main__":
    main()
