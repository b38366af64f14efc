"""The compose project, in a folder and under a name of its own, driven as a user drives it."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ("docker-compose",) if shutil.which("docker-compose") else ("docker", "compose")
PROJECT = "voice-transcriber-drill"
PARTS = ("Dockerfile", ".dockerignore", "docker-compose.yml", "requirements.txt", "userbot.py", "wiring.py")
PATIENCE_S = 240.0
_PAUSE_S = 0.1


class Failed(Exception):
    """A command did not do what it should; its output is the message."""


async def sh(*command: str, stdin: str = "", cwd: Path | None = None) -> str:
    """What a command prints, on both streams. Raises Failed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(stdin.encode())
    if process.returncode:
        raise Failed(f"{' '.join(command)}\n{output.decode(errors='replace')}")
    return output.decode(errors="replace")


class Containers:
    """A copy of what the images are built from, so that nothing of a real installation is touched."""

    def __init__(self, folder: Path, weights: Path, **env: str) -> None:
        self.folder = folder
        for part in PARTS:
            shutil.copy(ROOT / part, folder / part)
        for part in ("config", "transcriber", "sandbox"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        compose = (folder / "docker-compose.yml").read_text("utf-8")
        compose = compose.replace("image: voice-transcriber", f"image: {PROJECT}")
        (folder / "docker-compose.yml").write_text(compose.replace("127.0.0.1:9001:9001", "127.0.0.1::9001"), "utf-8")
        more = {"version": "2.4", "services": {"userbot": {"volumes": [f"{weights}:/weights:ro"]}}}
        (folder / "docker-compose.override.yml").write_text(json.dumps(more), "utf-8")  # JSON is YAML
        settings = {"API_ID": "12345", "API_HASH": "0123456789abcdef0123456789abcdef", "WHISPER_MODEL": "/weights"}
        lines = [f"{name}={value}\n" for name, value in (settings | env).items()]
        (folder / ".env").write_text("".join(lines), "utf-8")

    async def compose(self, *arguments: str, stdin: str = "") -> str:
        """docker-compose, in the project."""
        return await sh(*COMPOSE, "-p", PROJECT, *arguments, stdin=stdin, cwd=self.folder)

    async def up(self, *options: str) -> None:
        """`up -d`."""
        await self.compose("up", "-d", *options)

    async def id(self, service: str = "userbot") -> str:
        """The service's container, also a stopped one."""
        return (await self.compose("ps", "-a", "-q", service)).split()[-1]

    async def log(self) -> list[str]:
        """Everything the present container of the program has printed."""
        return (await sh("docker", "logs", await self.id())).splitlines()

    async def line(self, text: str, after: int = 0) -> int:
        """Wait for a log line with `text`, `after` so many lines; how many lines there were up to it."""
        lines: list[str] = []

        async def found() -> int:
            nonlocal lines
            lines = await self.log()
            return next((n for n, line in enumerate(lines, 1) if n > after and text in line), 0)

        return int(await until(found, lambda: f"the line {text!r} in:\n" + "\n".join(lines)))

    async def state(self, what: str, service: str = "userbot") -> str:
        """One value of `docker inspect`, such as .State.Health.Status."""
        return (await sh("docker", "inspect", "-f", f"{{{{{what}}}}}", await self.id(service))).strip()

    async def memory_mb(self, service: str = "userbot") -> float:
        """What `docker stats` says it uses."""
        used = (await sh("docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", await self.id(service))).split()
        number, unit = float(used[0].rstrip("GiMKB")), used[0].lstrip("0123456789.")
        return number * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]

    async def remove(self) -> None:
        """Everything of the project but the images."""
        await self.compose("down", "--volumes", "--timeout", "1")


async def until(condition: Callable[[], Any], what: Callable[[], str], patience_s: float = PATIENCE_S) -> Any:
    """Wait until an async condition holds; Failed with `what` when it does not."""
    deadline = time.monotonic() + patience_s
    while not (found := await condition()):
        if time.monotonic() > deadline:
            raise Failed(f"waited {patience_s:g} s for {what()}")
        await asyncio.sleep(_PAUSE_S)
    return found
