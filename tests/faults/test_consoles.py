"""Standard output is closed, full, gone or of another alphabet: the daemon works on as if nobody looked."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import NewScene
from tests.stage import COMPILED, ROOT, until

pytestmark = pytest.mark.asyncio(loop_scope="package")


def broken_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


CONSOLES = {
    "closed": ("<&- >&- 2>&-", {}, None),
    "full": ("2>&1", {}, full_disk),
    "gone": ("2>&1", {}, broken_pipe),
    "LANG=C": ("", {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, None),
    "cp1251": ("", {"PYTHONIOENCODING": "cp1251"}, None),
    "cp437": ("", {"PYTHONIOENCODING": "cp437:strict"}, None),
}


@pytest.mark.parametrize("console", CONSOLES)
async def test_a_voice_is_answered_and_a_stop_is_clean_whatever_the_console_is(
    new_scene: NewScene, tmp_path: Path, console: str
) -> None:
    scene = await new_scene(LOG_LEVEL="DEBUG")  # the more is printed, the better
    redirect, env, opened = CONSOLES[console]
    printed = tmp_path / "printed"
    output = opened() if opened else os.open(printed, os.O_WRONLY | os.O_CREAT)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, str(ROOT / "userbot.py")),
        cwd=scene.daemon.folder,
        env={**os.environ, **COMPILED, **scene.daemon.env, **env},
        stdout=output,
        stderr=output,
    )
    os.close(output)
    try:
        await until(lambda: scene.telegram.connected(scene.owner) or process.returncode is not None, "a connection")
        if console == "closed":
            assert {Path(f"/proc/{process.pid}/fd/{n}").resolve() for n in range(3)} == {Path(os.devnull)}
        scene.say()
        await scene.settle()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if opened is None and console != "closed":
        lines = printed.read_bytes().splitlines()
        assert lines
        assert not [line for line in lines if b"Traceback" in line or b"Logging error" in line]
