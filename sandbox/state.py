"""The world on disk."""

from __future__ import annotations

import pickle
from pathlib import Path

from .world import World


def load(path: Path | None) -> World:
    """The world as it was saved, or a new one. Only for files this sandbox wrote: unpickling runs what it reads."""
    if path is None or not path.exists():
        return World()
    world: World = pickle.loads(path.read_bytes())
    return world


def save(world: World, path: Path) -> None:
    """Write the world in one step, so that a crash leaves the old file or the new one."""
    temporary = path.with_suffix(path.suffix + ".new")
    temporary.write_bytes(pickle.dumps(world))
    temporary.replace(path)
