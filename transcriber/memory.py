"""How much memory there still is for us: the machine's and that of every control group around this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from transcriber.cgroup import folders

_VERSION_2, _VERSION_1 = ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")


def free_bytes(root: Path = Path("/")) -> int:
    """Bytes that may still be taken. `root` is where /proc and /sys are found."""
    rooms = (room for group in folders("memory", root) for room in _room(group))
    return max(0, min([psutil.virtual_memory().available, *rooms]))


def _room(group: Path) -> Iterator[int]:
    """Limit less use of one group; what only caches files is given up when needed."""
    version2 = (group / "memory.max").exists()
    limit_name, used_name = _VERSION_2 if version2 else _VERSION_1
    try:
        limit = int((group / limit_name).read_text())  # "max" is none
        used = int((group / used_name).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return
    yield limit - used + int(stat.get("inactive_file", 0))
