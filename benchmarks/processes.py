"""Contenders seen from outside: started, asked, and when one dies, how it died."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.recordings import ROOT
from tests.weights import weights

LOAD_LIMIT_S = 120.0
# The threads of an engine spin for 0.2 s after their work (KMP_BLOCKTIME): the next one shall have the cores to itself.
REST_S = 0.25
STDERR_LINES = 8
_FOLDERS = re.compile(r"/[^\s\"']*/")  # where things are on this machine is nobody's business


class Died(Exception):
    """The process of an engine ended, or had to be ended, before it answered; the message says how."""


class Contender:
    """An engine in a process of its own."""

    def __init__(self, engine: str, model: str, threads: int) -> None:
        self.engine = engine
        self._arguments = [engine, str(weights(model)), str(threads)]
        self.loaded_mb = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._close()

    def start(self) -> None:
        """Load the model. Raises Died."""
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process; a pipe would fill up
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "benchmarks.contender", *self._arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, text=True, cwd=ROOT,
        )  # fmt: skip
        self.loaded_mb = self._answer(LOAD_LIMIT_S)["rss_mb"]

    def ask(self, files: list[Path], language: str, limit_s: float, *, together: bool = False) -> dict[str, Any]:
        """wall_s, cpu_s, peak_mb, rss_mb, texts. Raises Died; then `start` makes a new one."""
        assert self._process.stdin is not None
        job = {"files": [str(file) for file in files], "language": language, "together": together}
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Died(self._end(in_time=True)) from None
        return self._answer(limit_s)

    def _answer(self, limit_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(limit_s, end)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise Died(self._end(in_time=not late.is_set(), limit_s=limit_s))
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self, *, in_time: bool, limit_s: float = 0.0) -> str:
        code = self._process.wait()
        how = f"ended with {signal.Signals(-code).name if code < 0 else f'exit code {code}'}"
        if not in_time:
            how = f"gave no answer within {limit_s:.0f} s and was ended"
        self._stderr.seek(0)
        said = [_FOLDERS.sub("", line.strip()) for line in self._stderr if line.strip()]
        told = [line for line in said if not line.startswith("Extension modules")]
        self._close()
        return "; ".join([how, *told[-STDERR_LINES:]])

    def _close(self) -> None:
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):  # what it was still to be told
                stream.close()


class Lane:
    """Where contenders are asked, one at a time: each rests before, gets its time, and when it dies, a successor."""

    def __init__(self, threads: int, deaths: list[str]) -> None:
        self.threads = threads
        self._deaths = deaths

    def ask(
        self, contender: Contender, files: list[Path], seconds: float, language: str = "", *, together: bool = False
    ) -> dict[str, Any] | None:
        """Its answer to `files` of that many `seconds`; None when it died. Raises Died when it cannot be started."""
        time.sleep(REST_S)
        try:
            return contender.ask(files, language, 60 + 10 * seconds, together=together)
        except Died as death:
            self.note(f"{contender.engine} at {', '.join(file.name for file in files[:3])}", death)
            contender.start()
            return None

    def note(self, where: str, death: Died) -> None:
        """Keep how somebody died."""
        self._deaths.append(f"{where}: {death}")
        print(f"died: {where}: {death}", file=sys.stderr, flush=True)
