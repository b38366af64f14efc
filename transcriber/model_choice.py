"""`/model`: what there is, what fits, how fast it is on this machine; and switching, with progress in the chat."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol

from transcriber import models
from transcriber.catalog import USUAL, estimated, held_bytes, needed_bytes, usual
from transcriber.errors import ModelUnavailable, TranscriberError
from transcriber.journal import Journal
from transcriber.memory import free_bytes
from transcriber.progress import chat_progress
from transcriber.state import State
from transcriber.texts import Words
from transcriber.voice import label

Tell = Callable[[str], Awaitable[None]]
_MB = 2**20
_NOTE_S = 10  # the length of voice that speeds are told for


class Engine(Protocol):
    """What is switched. `load` raises ModelUnavailable and then keeps the old model."""

    @property
    def model(self) -> str: ...

    async def load(self, name: str, *, on_progress: Callable[[float], None] | None = None) -> None: ...


class ModelChoice:
    """Answers `/model`. `models_dir` and `compute_type` are the engine's."""

    def __init__(
        self, engine: Engine, state: State, journal: Journal, say: Words, *, models_dir: Path, compute_type: str
    ) -> None:
        self._engine = engine
        self._state = state
        self._journal = journal
        self._say = say
        self._models_dir = models_dir
        self._compute_type = compute_type
        self._switching = asyncio.Lock()

    @property
    def model(self) -> str:
        """The model in use."""
        return self._engine.model

    async def text(self) -> str:
        """The usual models and the one in use. Raises RedisTrouble."""
        speeds = await self._journal.speeds()
        mine = self._engine.model
        free_mb = (free_bytes() + held_bytes(self._file_mb(mine) * _MB, self._compute_type)) // _MB
        names = [name for name in USUAL if name != label(mine)]
        lines = [self._say("model_shows", model=label(mine), free=self._size(free_mb))]
        lines += [self._line(name, speeds, free_mb) for name in (mine, *names)]
        return "\n".join([*lines, self._say("model_legend")])

    def _line(self, name: str, speeds: Mapping[str, float], free_mb: int) -> str:
        """Two short lines, for a phone: what it is, and what it means here."""
        file_mb = self._file_mb(name) or _hub_mb(name)
        needed_mb = needed_bytes(file_mb * _MB, self._compute_type) // _MB
        mark = "▶️" if name == self._engine.model else "▫️" if needed_mb <= free_mb else "⛔"
        disk = " 💾" if self._file_mb(name) else ""
        memory = self._say("model_memory", size=self._size(needed_mb))
        speed = self._speed(name, speeds)
        return f"\n{mark} {label(name)}, {self._size(file_mb)}{disk}\n{speed}{memory}"

    def _speed(self, name: str, speeds: Mapping[str, float]) -> str:
        measured = speeds.get(name)
        factor = measured if measured is not None else estimated(name, speeds)
        if factor is None:
            return ""
        about = "" if measured is not None else "~"
        seconds = _NOTE_S * factor
        return self._say("model_speed", seconds=f"{about}{seconds:.1f}" if seconds < 10 else f"{about}{seconds:.0f}")

    def _file_mb(self, name: str) -> int:
        """The size on disk; 0 when it is not there."""
        with contextlib.suppress(ModelUnavailable):
            return models.file_bytes(name, self._models_dir, trusted=True) // _MB
        return 0

    def _size(self, mb: int) -> str:
        return self._say("size_mb", n=mb) if mb < 1000 else self._say("size_gb", n=f"{mb / 1024:.1f}")

    async def switch(self, name: str, tell: Tell) -> str:
        """Switch to `name`, one at a time; what became of it. `tell` shows what goes on meanwhile."""
        async with self._switching:
            old = self._engine.model
            if name in (old, label(old)):
                return self._say("model_same", model=label(old))
            with contextlib.suppress(TranscriberError):
                await tell(self._say("model_loading", model=name, old=label(old)))
            try:
                await self._load(name, tell)
            except ModelUnavailable as error:
                return self._say("model_kept", old=label(old), reason=self._say.error(error))
            await self._state.set_model(name)
            return self._say("model_switched", model=name)

    async def _load(self, name: str, tell: Tell) -> None:
        async def tell_fraction(fraction: float) -> None:
            await tell(self._say("model_fetching", model=name, percent=int(fraction * 100)))

        async with chat_progress(tell_fraction) as on_progress:
            await self._engine.load(name, on_progress=on_progress)


def _hub_mb(name: str) -> int:
    known = usual(name)
    return known.file_mb if known else 0
