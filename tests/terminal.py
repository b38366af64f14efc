"""A program at a terminal (a pty of its own), and the person who reads and types there."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import termios
from pathlib import Path
from types import TracebackType

from tests.stage import PATIENCE_S, until

CTRL_C, CTRL_D = "\x03", "\x04"


class Terminal:
    """Runs a command until it ends, or until the `async with` does."""

    def __init__(self, *command: str, cwd: Path, env: dict[str, str]) -> None:
        self._command = command
        self._cwd = cwd
        self._env = env
        self._shown = bytearray()
        self._read_until = 0

    async def __aenter__(self) -> Terminal:
        self._screen, inside = pty.openpty()
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=inside,
            stdout=inside,
            stderr=inside,
            cwd=self._cwd,
            env={**os.environ, **self._env},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # Ctrl-C and password prompts need it
        )
        os.close(inside)
        os.set_blocking(self._screen, False)
        asyncio.get_running_loop().add_reader(self._screen, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        asyncio.get_running_loop().remove_reader(self._screen)
        os.close(self._screen)

    @property
    def text(self) -> str:
        """Everything shown so far, without colours."""
        return re.sub(r"\x1b\[[\d;]*m", "", self._shown.decode(errors="replace")).replace("\r\n", "\n")

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self._screen)[3] & termios.ECHO)

    async def sees(self, words: str) -> None:
        """Wait until these words are shown, after those that were waited for before."""

        def shown() -> bool:
            if (found := self.text.find(words, self._read_until)) < 0:
                return False
            self._read_until = found + len(words)
            return True

        try:
            await until(shown, repr(words))
        except AssertionError as error:
            raise AssertionError(f"{error}; the terminal shows:\n{self.text}") from None

    async def answers(self, question: str, answer: str) -> None:
        """Wait for a question and answer it."""
        await self.sees(question)
        self.types(answer + "\n")

    def types(self, keys: str) -> None:
        """Press keys."""
        os.write(self._screen, keys.encode())

    async def ended(self) -> int:
        """Wait for the end; the exit code."""
        code = await asyncio.wait_for(self.process.wait(), PATIENCE_S)
        self._read()
        return code

    def _read(self) -> None:
        try:
            self._shown += os.read(self._screen, 65536)
        except OSError:  # nobody is left on the other side
            asyncio.get_running_loop().remove_reader(self._screen)
