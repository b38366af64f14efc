"""Scenes: one that many tests share, and new ones for tests that need their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox import Telegram
from tests.faults.scene import Scene
from tests.weights import weights

NewScene = Callable[..., Awaitable[Scene]]


@pytest.fixture(scope="session")
def tiny() -> Path:
    """Whisper tiny.en: quick."""
    return weights("tiny.en")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_scene(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """One Telegram and one daemon for all tests that leave both as they found them."""
    async with Telegram() as telegram:
        scene = Scene(telegram, tmp_path_factory.mktemp("shared"), tiny)
        try:
            await scene.daemon.start()
            yield scene
        finally:
            await _end(scene)


@pytest_asyncio.fixture(loop_scope="package")
async def scene(shared_scene: Scene) -> AsyncIterator[Scene]:
    """The shared scene, whole again; after the test every voice of it has its one answer."""
    shared_scene.said.clear()
    await shared_scene.back()
    yield shared_scene
    await shared_scene.back()
    await shared_scene.settle()


@pytest_asyncio.fixture(loop_scope="package")
async def new_scene(tiny: Path, tmp_path: Path) -> AsyncIterator[NewScene]:
    """Makes a scene of its own; its daemon is not started yet, and killed at the end."""
    async with AsyncExitStack() as stack:

        async def make(**env: str) -> Scene:
            telegram = await stack.enter_async_context(Telegram())
            made = Scene(telegram, tmp_path / str(telegram.port), tiny, **env)
            stack.push_async_callback(_end, made)
            return made

        yield make


async def _end(scene: Scene) -> None:
    if scene.daemon.running:
        await scene.daemon.kill()
