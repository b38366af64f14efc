"""Daemons forked from a process that has imported everything already: a start saves two seconds of a core.

Only the imports are shared. What runs is `userbot.py` as `__main__`, in a process with an environment, a folder and
an output of its own, that is killed and waited for like any other.
"""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["wiring"])


class Fork:
    """A process, with what the tests use of `asyncio.subprocess.Process`."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self.pid = process.pid
        self.stdout = asyncio.StreamReader()
        self._process = process

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """As kill(2)."""
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        assert self.returncode is not None
        return self.returncode


async def fork(program: Path, arguments: tuple[str, ...], folder: Path, env: dict[str, str]) -> Fork:
    """A process that runs the Python `program`."""
    here, there = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_be, args=(there, program, arguments, folder, env))
    await asyncio.to_thread(process.start)  # the first one waits for the imports
    there.close()
    forked = Fork(process)
    protocol = asyncio.StreamReaderProtocol(forked.stdout)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, here)
    return forked


def _be(output: Connection, program: Path, arguments: tuple[str, ...], folder: Path, env: dict[str, str]) -> None:
    """Become the program."""
    for number in (1, 2):
        os.dup2(output.fileno(), number)
    output.close()
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", 1, closefd=False)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.argv = [str(program), *arguments]
    runpy.run_path(str(program), run_name="__main__")
