"""The one model in memory: loaded and switched while voices wait or go on working with the old one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from transcriber import models
from transcriber.errors import ModelUnavailable
from transcriber.loading import Loaded, let_go, open_model
from transcriber.threads import Progress, in_thread, on_loop, until


class Resident:
    """Its methods belong to the event loop and never block it."""

    def __init__(self, models_dir: Path, *, compute_type: str, threads: int) -> None:
        self._models_dir = models_dir
        self._compute_type = compute_type
        self._threads = threads
        self._loaded: Loaded | None = None
        self._switching = asyncio.Lock()
        self._closing = threading.Event()
        self._work = ThreadPoolExecutor(1, "whisper-load")

    @property
    def name(self) -> str:
        """Name of the model, empty before the first load."""
        return self._loaded.name if self._loaded else ""

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Loaded]:
        """The model, which stays until the block ends; its `model` must not be kept any longer.

        Raises ModelUnavailable before the first `load`, Interrupted after `close`.
        """
        until(self._closing)()
        if self._loaded is None:
            raise ModelUnavailable("model_not_loaded")
        loaded = self._loaded
        loaded.users += 1
        try:
            yield loaded
        finally:
            loaded.users -= 1
            if not loaded.users and loaded is not self._loaded and not self._closing.is_set():
                self._work.submit(let_go, loaded)

    async def load(self, name: str, *, on_progress: Progress | None = None, trusted: bool = False) -> None:
        """See `Whisper.load`."""
        given_up = threading.Event()
        check = until(self._closing, given_up)
        tell = on_loop(on_progress)

        def progress(fraction: float) -> None:
            check()
            tell(fraction)

        def work() -> Loaded:
            check()
            folder = models.obtain(name, self._models_dir, trusted=trusted, on_progress=progress)
            return open_model(folder, name, self._compute_type, self._threads)

        async with self._switching:
            check()
            loaded = await in_thread(self._work, work, given_up)
            check()  # closed meanwhile
            self._replace(loaded)

    async def close(self) -> None:
        """Gives the model back as soon as nobody works with it; whoever asks afterwards is Interrupted."""
        self._closing.set()
        self._replace(None)
        await asyncio.to_thread(self._work.shutdown)

    def _replace(self, new: Loaded | None) -> None:
        old, self._loaded = self._loaded, new
        if old is not None and not old.users:
            self._work.submit(let_go, old)
